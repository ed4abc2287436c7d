-- hn.transform: against values by NumPy, SciPy and scikit-learn (those here are what spec/support/run_transforms.py
-- prints for the same events; scripts/check-transforms runs it on many), weights, classes, degenerate data, errors.

local Sample <const> = require "hn.transform.sample"
local backends <const> = require "spec.support.backends"
local files <const> = require "spec.support.files"
local hn <const> = require "hn"
local normal <const> = require "hn.transform.normal"
local numeric <const> = require "spec.support.numeric"
local program <const> = require "spec.support.program"

local PYTHON <const> = "build/transforms/bin/python"
local there <const> = os.execute(PYTHON .. " -c 'import numpy, scipy, sklearn' 2>/dev/null")

local EVENTS <const> = { { 1, 2, -0.5 }, { 2, 1.5, 3 }, { 4, 7, 0.25 }, { 8, 5, -2 }, { 3, 3, 3 }, { -1, 0.5, 10 } }
local WEIGHTS <const> = { 1, 3, 2, 1, 4, 2 }
local KINDS <const> = { "decorrelate", "gauss", "log", "normalise", "pca", "standardise", "uniform" }
local GOLDEN <const> = {
  log = { { 0.6931472, 1.098612, -0.4054651 }, { 1.098612, 0.9162907, 1.386294 }, { 1.609438, 2.079442, 0.2231436 },
    { 2.197225, 1.791759, -1.098612 }, { 1.386294, 1.386294, 1.386294 }, { -0.6931472, 0.4054651, 2.397895 } },
  normalise = { { -0.5555556, -0.5384615, -0.75 }, { -0.3333333, -0.6923077, -0.1666667 }, { 0.1111111, 1.0, -0.625 },
    { 1.0, 0.3846154, -1.0 }, { -0.1111111, -0.2307692, -0.1666667 }, { -1.0, -1.0, 1.0 } },
  standardise = { { -0.6975801, -0.4623292, -1.029087 }, { -0.244153, -0.7027404, 0.0 },
    { 0.6627011, 1.941783, -0.808568 }, { 2.476409, 0.9801379, -1.470124 }, { 0.209274, 0.01849317, 0.0 },
    { -1.604434, -1.183563, 2.058173 } },
  decorrelate = { { -1.901738, -0.7703354, -2.044245 }, { -0.1420298, -0.912824, -0.3010472 },
    { -0.2985158, 2.207842, -0.3985455 }, { 2.782859, -0.25127, -0.6583495 }, { 0.3648637, -0.06555025, 0.1168726 },
    { -0.6587271, -0.1967029, 1.967668 } },
  pca = { { -1.616867, -3.099371, -1.822378 }, { 0.8455715, -1.289825, 0.2177057 },
    { -4.473854, 2.019904, -1.382891 }, { -7.32817, 0.1725377, 2.2917 }, { -0.2349775, 0.144977, 0.3718391 },
    { 8.14797, 1.088296, 0.07799263 } },
  uniform = { { 0.1923077, 0.4230769, 0.1153846 }, { 0.3461538, 0.2692308, 0.5769231 },
    { 0.8461538, 0.9230769, 0.2307692 }, { 0.9615385, 0.8076923, 0.03846154 }, { 0.6153846, 0.6153846, 0.5769231 },
    { 0.07692308, 0.07692308, 0.9230769 } },
  gauss = { { -0.8694238, -0.1940281, -1.19838 }, { -0.3957253, -0.6151411, 0.1940281 },
    { 1.020076, 1.426077, -0.7363159 }, { 1.768825, 0.8694238, -1.768825 }, { 0.2933812, 0.2933812, 0.1940281 },
    { -1.426077, -1.426077, 1.426077 } },
}

local function refuses(f, message) assert.error_matches(f, message, 1, true) end

local function data(x, weight, y) return hn.data.tensors { x = x, weight = weight, y = y } end

local function near(expected, actual, tolerance)
  assert.equal(#expected, #actual)
  for i, row in ipairs(expected) do
    for j, wanted in ipairs(row) do
      assert.is_true(math.abs(actual[i][j] - wanted) <= tolerance * (1 + math.abs(wanted)),
        ("event %d, feature %d: %.8g, expected %.8g"):format(i, j, actual[i][j], wanted))
    end
  end
end

local function outputs(list, set, x) return hn.transform(list):fit(set, { batch = 4 })(hn.tensor(x)):table() end

-- Rows of skewed, correlated numbers.
local function skewed(count, features)
  local random <const>, rows <const> = numeric.generator(5), {}
  for i = 1, count do
    local row <const>, common <const> = {}, random.numbers(1, -1, 1)[1]
    for j, v in ipairs(random.numbers(features, -2, 2)) do row[j] = math.exp(v) * j + 3 * common end
    rows[i] = row
  end
  return rows
end

local function each(rows, f)
  for i, row in ipairs(rows) do
    for j, v in ipairs(row) do f(v, i, j) end
  end
end

before_each(function() backends.open() end)

describe("hn.transform", function()
  for _, kind in ipairs(KINDS) do
    it("gives NumPy's, SciPy's and scikit-learn's values: " .. kind, function()
      near(GOLDEN[kind], outputs({ kind }, data(EVENTS, WEIGHTS), EVENTS), 1e-5)
    end)

    it("takes a weight for so many equal events, 0 for none and -w for w: " .. kind, function()
      local repeated <const>, x <const>, weight <const> = {}, { { 100, -100, 1000 } }, { 0 }
      for i, row in ipairs(EVENTS) do
        x[i + 1], weight[i + 1] = row, (i % 2 == 0 and -1 or 1) * WEIGHTS[i]
        for _ = 1, WEIGHTS[i] do repeated[#repeated + 1] = row end
      end
      near(outputs({ kind }, data(repeated), EVENTS), outputs({ kind }, data(x, weight), EVENTS), 1e-6)
    end)

    it("leaves features that it does not act on, to the bit: " .. kind, function()
      local others <const> = {}
      for i, row in ipairs(EVENTS) do others[i] = { row[1], row[3] } end
      local input <const> = hn.transform { { kind, features = { 3, 1 } } }:fit(data(EVENTS))
      local y <const> = input(hn.tensor(EVENTS)):table()
      local two <const> = outputs({ { kind } }, data(others), others)
      each(y, function(v, i, j)
        if j == 2 then assert.equal(EVENTS[i][2], v) end
      end)
      if kind ~= "pca" then -- whose order of axes is that of the features
        for i, row in ipairs(y) do y[i] = { row[1], row[3] } end
        near(two, y, 1e-5)
      end
    end)

    it("makes finite numbers of degenerate data: " .. kind, function()
      for _, rows in ipairs {
        { { 5, 1, 2, 2 }, { 5, 2, 4, 4 }, { 5, 3, 6, 6 }, { 5, 4.5, 9, 9 }, { 5, 7, 14, 14 } },
        { { 1, 2, 3, 4 }, { 2, 3, 4, -1 } }, { { 1, 2, 3, 4 } }, { { 0, 0, 0, 0 }, { 0, 0, 0, 0 } },
        { { 1e30, 1e-30, 1, 1 }, { -1e30, 2e-30, 2, 2 }, { 2e30, 5e-30, 0, 0 } },
      } do
        local y <const> = outputs({ kind }, data(rows), rows)
        each(y, function(v) assert.is_true(v == v and math.abs(v) < 1e32, "not finite: " .. v) end)
        if #rows == 5 and kind ~= "log" and kind ~= "pca" then
          for i = 1, 5 do assert.equal(kind == "uniform" and 0.5 or 0, y[i][1]) end
        end
      end
    end)

    it("is saved with the network, which has no parameters of it: " .. kind, function()
      local input <const> = hn.transform { kind }:fit(data(EVENTS))
      local net <const> = hn.nn.Sequential { input, hn.nn.Linear(3, 2) }
      assert.equal(2, #net:parameters())
      local before <const> = input(hn.tensor(EVENTS)):table()
      hn.fit(net, data(EVENTS, nil, hn.labels { 1, 2, 1, 2, 1, 2 }), { epochs = 2, progress = false })
      assert.same(before, input(hn.tensor(EVENTS)):table())
      local path <const> = files.folder() .. "/net.hn"
      net:save(path)
      local again <const> = hn.load(path)
      assert.same(net:predict(EVENTS):table(), again:predict(EVENTS):table())
      refuses(function() again[1]:fit(data(EVENTS)) end,
        "state: fit: these transformations come from a file and are fitted; make others by hn.transform")
    end)
  end

  it("decorrelates: the covariance becomes that of independent features, of those that vary", function()
    local rows <const> = skewed(500, 4)
    for _, row in ipairs(rows) do row[5] = row[1] - 2 * row[2] end
    local y <const> = outputs({ "decorrelate" }, data(rows), rows)
    local trace, square = 0, 0 -- of a projector onto four directions both are 4
    for a = 1, 5 do
      for b = 1, 5 do
        local sum = 0
        for _, row in ipairs(y) do sum = sum + row[a] * row[b] / #y end
        if a == b then trace = trace + sum end
        square = square + sum * sum
      end
    end
    assert.is_true(math.abs(trace - 4) < 1e-3 and math.abs(square - 4) < 1e-3, ("%g, %g"):format(trace, square))
  end)

  it("fits each one to what those before it give, in one pass for each but log", function()
    local rows <const>, passes = skewed(300, 3), 0
    local set <const> = data(rows)
    local counted <const> = setmetatable({ batches = function(self, o)
      if o.batch > 1 then passes = passes + 1 end
      return getmetatable(set).__index.batches(self, o)
    end }, { __index = set, kind = "data" })
    local chain <const> = hn.transform { "log", "gauss", "decorrelate", "normalise" }:fit(counted)
    assert.equal(3, passes)
    local x = hn.tensor(rows)
    for k, kind in ipairs { "log", "gauss", "decorrelate", "normalise" } do
      local one <const> = hn.transform { kind }:fit(data(x))
      x = one(x)
      near(x:table(), chain[k](k == 1 and hn.tensor(rows) or chain[k - 1].output):table(), 1e-4)
      chain[k].output = x
    end
  end)

  it("fits to the events of one class, by number, name or target", function()
    local class <const>, of_one <const> = { 1, 2, 2, 1, 2, 2 }, {}
    for i, c in ipairs(class) do
      if c == 2 then of_one[#of_one + 1] = EVENTS[i] end
    end
    local expected <const> = outputs({ "standardise" }, data(of_one), EVENTS)
    local named <const> = hn.data.tensors { x = EVENTS, y = hn.labels(class), names = { "background", "signal" } }
    local targets <const> = data(EVENTS, nil, hn.tensor({ 6, 1 }, function(i) return class[i] - 1 end))
    near(expected, outputs({ { "standardise", class = 2 } }, named, EVENTS), 1e-6)
    near(expected, outputs({ { "standardise", class = "signal" } }, named, EVENTS), 1e-6)
    near(expected, outputs({ { "standardise", class = 1 } }, targets, EVENTS), 1e-6)
  end)

  it("makes curves of as many knots as it is told, close to the ranks in between, flat beyond", function()
    local rows <const> = skewed(4000, 2)
    local exact <const> = outputs({ { "uniform", knots = 10000 } }, data(rows), rows)
    for _, knots in ipairs { 2, 20, 200 } do
      local input <const> = hn.transform { { "uniform", knots = knots } }:fit(data(rows))
      assert.is_true(input[1].count <= knots + 2)
      local y <const>, worst = input(hn.tensor(rows)):table(), 0
      each(y, function(v, i, j) worst = math.max(worst, math.abs(v - exact[i][j])) end)
      assert.is_true(worst <= 1 / (knots - 1) + 1e-6, ("%d knots: off by %g"):format(knots, worst))
      local ends <const> = input(hn.tensor { { -1e6, 1e6 }, { 1e30, -1e30 } }):table()
      near({ { 0.000125, 0.999875 }, { 0.999875, 0.000125 } }, ends, 1e-6)
    end
  end)

  it("sees a sample of events that are many, the same in every run", function()
    local rows <const>, order <const>, count <const> = {}, {}, 55000
    for i = 1, count do
      order[i] = i * 7919 % count
      rows[i] = { order[i] / 16 }
    end
    local input <const> = hn.transform { "uniform" }:fit(data(rows))
    local y <const>, worst, exact = input(hn.tensor(rows)):table(), 0, 0
    for i, rank in ipairs(order) do
      local off <const> = math.abs(y[i][1] - (rank + 0.5) / count)
      worst, exact = math.max(worst, off), exact + (off < 1e-9 and 1 or 0)
    end
    assert.is_true(worst < 0.008 and exact < count / 10, ("off by %g, %d exact"):format(worst, exact))
    assert.same(input[1].knots:table(), hn.transform { "uniform" }:fit(data(rows))[1].knots:table())
  end)

  it("refuses what it cannot fit, by name", function()
    for _, case in ipairs {
      { {}, "hn.transform: expected at least one transformation" },
      { { "gaus" }, 'hn.transform: transformation 1: expected "normalise", "standardise", "decorrelate", "pca", '
        .. '"uniform", "gauss" or "log", got "gaus"' },
      { { { "pca", knots = 3 } }, "hn.transform: pca: knots are for uniform and gauss alone" },
      { { { "log", class = 1 } }, "hn.transform: log: it is not fitted, so it takes no class" },
      { { { "gauss", knot = 5 } }, "hn.transform: unknown option 'knot'; did you mean 'knots'?" },
      { { { "pca", features = { 1, 4 } } },
        "fit: pca: features[2]: expected a feature's number from 1 to 3 that comes once, got 4" },
      { { { "pca", features = { 2, 2 } } },
        "fit: pca: features[2]: expected a feature's number from 1 to 3 that comes once, got 2" },
      { { { "pca", class = "signal" } }, "fit: pca: class: the data set has no targets" },
    } do
      refuses(function() hn.transform(case[1]):fit(data(EVENTS)) end, "argument: " .. case[2])
    end
    local labelled <const> = data(EVENTS, nil, hn.labels { 1, 1, 1, 2, 2, 2 })
    refuses(function() hn.transform { { "pca", class = "signal" } }:fit(labelled) end,
      'argument: fit: pca: class: expected a class of the set (1 to 2), got "signal"')
    refuses(function() hn.transform { "pca" }:fit(data(EVENTS, { 0, 0, 0, 0, 0, 0 })) end,
      "argument: fit: pca: no event has a weight")
    refuses(function() hn.transform { "pca" }(hn.tensor(EVENTS)) end,
      "state: Transform: it is not fitted yet: call its fit(data) first")
    refuses(function() hn.transform { "log", "gauss" }:fit(data { { 1, 2 }, { 1, 0 / 0 } }) end,
      "numeric: fit: feature 2 of event 2: expected a finite number up to 1e+35, got nan")
  end)

  it("equals NumPy, SciPy and scikit-learn on many weighted events", there and function()
    local rows <const>, folder <const>, bytes <const>, weight <const> = skewed(2000, 5), files.folder(), {}, {}
    for i, row in ipairs(rows) do bytes[i], weight[i] = string.pack("<fffff", table.unpack(row)), 1 + i * i % 4 end
    files.write(table.concat(bytes), folder .. "/x")
    files.write(string.pack("<" .. ("i4"):rep(#weight), table.unpack(weight)), folder .. "/weight")
    files.write("5", folder .. "/features")
    local _, err <const>, code <const> = program.shell(PYTHON .. " spec/support/run_transforms.py " .. folder)
    assert.same({ "", 0 }, { err, code })
    local function reference(kind)
      local list <const>, text <const> = {}, files.read(folder .. "/" .. kind)
      for i = 1, #rows do
        list[i] = { string.unpack("<ddddd", text, 40 * i - 39) }
        list[i][6] = nil -- where it ended
      end
      return list
    end
    local set <const> = data(rows, weight)
    for _, kind in ipairs(KINDS) do
      local exact <const> = (kind == "uniform" or kind == "gauss") and { kind, knots = 10000 } or kind
      near(reference(kind), outputs({ exact }, set, rows), 2e-5)
    end
    -- scikit-learn's ranks begin with 0 and end with 1, ours half an event's weight away from these.
    near(reference "sklearn", outputs({ { "uniform", knots = 10000 } }, set, rows), 4 / #rows)
  end or function() pending "scikit-learn is not installed (scripts/check-transforms)" end)
end)

describe("the quantile of the normal distribution", function()
  -- scipy.stats.norm.ppf
  for p, z in pairs { [1e-300] = -37.0470962993612, [1e-10] = -6.361340902404056, [0.01] = -2.3263478740408408,
    [0.2] = -0.8416212335729142, [0.5] = 0, [0.7] = 0.5244005127080407, [0.93] = 1.475791028179171,
    [0.999999999] = 5.997807019601637 } do
    it(("is SciPy's at %g"):format(p), function()
      assert.is_true(math.abs(normal(p) - z) <= 1e-13 * math.abs(z), ("%.17g"):format(normal(p)))
    end)
  end
end)

describe("a sample of a stream", function()
  local function fed(most, count, weight)
    local sample <const> = Sample.new(1, most)
    for i = 1, count do sample:add({ 0, i }, 1, weight(i)) end
    return sample:column(1), sample
  end

  it("is everything, in order, as long as that fits", function()
    local list <const> = fed(100, 100, function(i) return i end)
    assert.equal(100, #list)
    for i, one in ipairs(list) do assert.same({ i, i }, one) end
  end)

  -- Distances that ranks from a sample of 1000 exceed with a probability of 1 in 10^6 (Dvoretzky, Kiefer & Wolfowitz
  -- 1956: 2 exp(-2 n d^2)); with weights, the events that it stands for are fewer.
  for name, case in pairs {
    equal = { function() return 2 end, 0.085 }, rising = { function(i) return i end, 0.1 },
    ["one that outweighs all"] = { function(i) return i == 777 and 1e6 or 1 end, 0.085 },
  } do
    it("has the ranks of the whole and bounded size: weights " .. name, function()
      local count <const>, weight <const>, most <const> = 30000, case[1], 1000
      local list <const>, sample <const> = fed(most, count, weight)
      assert.equal(most, #sample.heap)
      local whole, total, at, below, worst = 0, 0, 0, 0, 0
      for i = 1, count do whole = whole + weight(i) end
      for _, one in ipairs(list) do total = total + one[2] end
      assert.is_true(math.abs(total / whole - 1) < 0.1, ("weights sum to %g of %g"):format(total, whole))
      for i = 1, count do
        below = below + weight(i)
        while at < #list and list[at + 1][1] <= i do at = at + 1 end
        if i % 300 == 0 then
          local ours = 0
          for k = 1, at do ours = ours + list[k][2] end
          worst = math.max(worst, math.abs(ours / total - below / whole))
        end
      end
      assert.is_true(worst < case[2], ("off by %g"):format(worst))
    end)
  end
end)
