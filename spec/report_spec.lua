-- hn.report: what the page says, that it is whole, and that nothing is lost.

local files <const> = require "spec.support.files"
local hn <const> = require "hn"
local numeric <const> = require "spec.support.numeric"
local program <const> = require "spec.support.program"

local gnuplot <const> = os.execute "command -v gnuplot >/dev/null 2>&1"

-- Samples of three columns, the first of which tells the classes apart, with weights, some of them negative.
local function samples(n, classes, seed)
  local random <const>, x <const>, labels <const>, weight <const> = numeric.generator(seed), {}, {}, {}
  for i = 1, n do
    labels[i], weight[i] = (i - 1) % classes + 1, i % 15 == 0 and -0.25 or 0.5 + random.number(0, 1)
    x[i] = { random.number(-1, 1) + labels[i], random.number(-1, 1), random.number(-1, 1) }
  end
  return x, labels, weight
end

-- A network that has not learnt anything, with the first column as its only guide.
local function network(outputs)
  local net <const> = hn.nn.Sequential { hn.nn.Linear(3, outputs) }
  local weight <const>, bias <const> = {}, {}
  for c = 1, outputs do
    for j = 1, 3 do weight[#weight + 1] = j == 1 and 2 * c or 0 end
    bias[c] = -c * c
  end
  net[1].weight:set(weight)
  net[1].bias:set(bias)
  return net
end

-- Elements of a page that are not closed, in order; it fails where one is closed that is not open.
local function check_page(html)
  local open <const>, ids <const> = {}, {}
  for close, name, rest in html:gsub("<style>.-</style>", ""):gmatch "<(/?)(%a[%w:]*)(.-)>" do
    if close == "/" then
      assert.equal(name, table.remove(open))
    elseif name ~= "meta" and rest:sub(-1) ~= "/" then
      open[#open + 1] = name
    end
    local id <const> = rest:match "%f[%w]id=[\"'](.-)[\"']"
    if id then
      assert.is_nil(ids[id], id)
      ids[id] = true
    end
  end
  assert.same({}, open)
  local links = 0
  for target in html:gmatch "href=[\"'](.-)[\"']" do
    links = links + 1
    assert.equal("#", target:sub(1, 1))
    assert.is_true(ids[target:sub(2)], target)
  end
  assert.is_true(links > 3)
  for _, word in ipairs { "src=", "url%(", "@import", "<script", "<link" } do assert.is_nil(html:find(word)) end
  assert.is_truthy(utf8.len(html))
end

local function contains(html, list)
  for _, words in ipairs(list) do assert.is_truthy(html:find(words, 1, true), words) end
end

local function two_classes(n, seed)
  local x <const>, labels <const>, weight <const> = samples(n, 2, seed)
  local y <const> = {}
  for i, label in ipairs(labels) do y[i] = label - 1 end
  local data <const> = hn.data.tensors { x = x, y = y, weight = weight }
  data.columns = { "mass & width", "angle", "pt" }
  return data, y, weight
end

describe("hn.report", function()
  it("of two classes tells what hn.metrics finds", function()
    local net <const>, folder <const> = network(1), files.folder() .. "/new's"
    local test <const>, y <const>, weight <const> = two_classes(400, 1)
    local found <const> = hn.report(net, test, folder .. "/", {
      train = two_classes(300, 2), title = "A < B", names = { "QCD", "top" }, loss = "bce", batch = 64, bins = 10,
      signal = 50, background = 500, inputs = 3, repeats = 2, settings = { layers = 1 },
      history = { loss = { 2, 1 }, error = { 0.5, 0.25 }, validation = { loss = { 2, 1.5 }, error = {} } },
    })
    local html <const> = files.read(folder .. "/index.html")
    check_page(html)
    assert.equal(folder .. "/index.html", found.path)
    local scores <const> = net:predict(test)
    assert.is_true(math.abs(hn.metrics.auc(scores, y, weight) - found.roc.area) < 1e-9)
    assert.is_true(math.abs(hn.evaluate(net, test, { loss = "bce" }).error - found.error) < 1e-12)
    assert.is_true(found.ks[1].probability > 0.001 and found.ks[2].distance < 0.2)
    assert.equal("mass & width", found.importance[1].name)
    assert.equal(1, found.correlation[2][3][3])
    assert.is_true(found.significance.best.signal <= 50)
    contains(html, { "<title>A &lt; B</title>", "mass &amp; width", "QCD, train", "<th>layers</th><td>1</td>",
      ("%.5f"):format(found.roc.area), ("%.4f"):format(found.roc:efficiency(0.1)), "<th>loss</th><td>bce</td>",
      ("%.6g"):format(found.significance.best.cut), ("%+.5f"):format(found.importance[1].loss), "Training</h2>" })
    assert.matches(("^%s: loss %%d.*, AUC 0.%%d+ ± 0.%%d+$"):format(found.path:gsub("%p", "%%%0")), tostring(found))
  end)

  it("of more classes tells each from the rest", function()
    local x <const>, labels <const> = samples(300, 3, 3)
    local test <const> = hn.data.tensors { x = x, y = hn.labels(labels), names = { "a", "b", "c" } }
    local net <const>, folder <const> = network(3), files.folder()
    local found <const> = hn.report(net, test, folder, { train = test })
    local html <const> = files.read(folder .. "/index.html")
    check_page(html)
    assert.same({ 0, 1 }, { found.ks.distance, found.ks.probability })
    local counts <const> = hn.metrics.confusion(net:predict(test), labels)
    assert.same({ table.unpack(counts) }, { table.unpack(found.confusion) })
    contains(html, { "3 c", ("%.5f ± %.5f"):format(found.classes[2].area, found.classes[2].error) })
  end)

  it("of a regression tells the residuals of every output", function()
    local x <const>, labels <const>, weight <const> = samples(200, 4, 4)
    local y <const> = {}
    for i, label in ipairs(labels) do y[i] = { label, x[i][1] } end
    local folder <const>, net <const> = files.folder(), hn.nn.Sequential { hn.nn.Linear(3, 2) }
    net[1].weight:set { 1, 0, 0, 1, 0, 0 }
    net[1].bias:set { 0, 2 }
    local test <const> = hn.data.tensors { x = x, y = y, weight = weight }
    local found <const> = hn.report(net, test, folder, { train = test, loss = "mse", names = { "class", "twin" } })
    local html <const> = files.read(folder .. "/index.html")
    check_page(html)
    local of <const> = found.outputs[2].test
    for name, expected in pairs { bias = 2, scatter = 0, rmse = 2, mae = 2, correlation = 1 } do
      assert.is_true(math.abs(expected - of[name]) < 1e-6, name)
    end
    assert.is_true(found.outputs[1].test.scatter > 0.4 and found.outputs[1].test.determination > 0.6)
    contains(html, { "twin, train", "Residuals, class" })
  end)

  it("takes sets in which a class has no weight, and inputs that are too many", function()
    local x <const>, labels <const> = samples(40, 2, 5)
    local weight <const> = {}
    for i, label in ipairs(labels) do weight[i] = label - 1 end
    local folder <const> = files.folder()
    local test <const> = { x = x, y = hn.labels(labels), weight = weight }
    local found <const> = hn.report(network(2), test, folder, { inputs = 2 })
    local html <const> = files.read(folder .. "/index.html")
    check_page(html)
    assert.is_nil(found.roc)
    assert.is_nil(found.importance)
    contains(html, { "there is no curve", "There are 3: correlations and importance are left out" })
  end)

  it("is the same again, and draws its pictures by gnuplot", function()
    local test <const>, folder <const> = two_classes(100, 6), files.folder()
    local function page() return files.read(hn.report(network(1), test, folder, { loss = "bce" }).path) end
    local first <const>, seed <const> = page(), { hn.seed() }
    assert.same(seed, { hn.seed() })
    -- The memory that is used at the moment is told, too.
    local function lasting(html) return (html:gsub("Device memory.-</table>", "")) end
    assert.equal(lasting(first), lasting(page()))
    if not gnuplot then return pending "gnuplot is not in PATH" end
    local roc_and_rejection <const>, responses <const>, significance <const>, calibration <const> = 2, 2, 1, 1
    assert.equal(roc_and_rejection + responses + significance + calibration, select(2, first:gsub("<svg", "")))
  end)

  it("shows figures as text where there is no gnuplot", function()
    local folder <const>, empty <const> = files.folder(), files.folder()
    local _, err <const>, code <const> = program.shell(("PATH=%s %s --threads 1 -e %s"):format(empty, program.path,
      files.quoted(([[local hn = require "hn"
      hn.report(hn.nn.Sequential { hn.nn.Linear(1, 1) }, { x = { { 1 }, { 2 }, { 3 } }, y = { 0, 1, 0 } }, %q,
        { loss = "bce" })]]):format(folder))))
    assert.same({ "", 0 }, { err, code })
    local html <const> = files.read(folder .. "/index.html")
    check_page(html)
    assert.is_nil(html:find "<svg")
    contains(html, { "background efficiency", "└────" })
  end)
end)

describe("hn.report refuses", function()
  local x <const>, labels <const> = samples(10, 2, 7)
  local test <const> = hn.data.tensors { x = x, y = hn.labels(labels) }
  local place <const> = "/nowhere/at/all"
  local pairs_of_targets <const> = {}
  for i = 1, #labels do pairs_of_targets[i] = { i % 2, 1 } end
  local cases <const> = {
    { "hn.report: net: expected a module, got a table", {}, test, place },
    { "hn.report: folder: expected a name, got nothing", 2, test, nil },
    { "hn.report: folder: '/nowhere/at/all' cannot be made", 2, test, place },
    { "hn.report: test: data: expected a set with y", 2, { { 1, 2, 3 } }, place },
    { "hn.report: names: expected 2 of them, got 1", 2, test, place, { names = { "a" } } },
    { "hn.report: history: expected what hn.fit returned, got a table", 2, test, place, { history = {} } },
    { "expected an output for each class, one output with the loss bce, or numbers", 2,
      { x = x, y = pairs_of_targets }, place, { loss = "bce" } },
  }
  for _, case in ipairs(cases) do
    it(case[1], function()
      local net <const> = type(case[2]) == "number" and network(case[2]) or case[2]
      assert.error_matches(function() hn.report(net, table.unpack(case, 3, 5)) end, case[1], 1, true)
    end)
  end

  it("outputs that are no numbers, and leaves the old page", function()
    local net <const>, folder <const> = network(2), files.folder()
    files.write("old", folder .. "/index.html")
    net[1].bias:set { 0 / 0, 0 }
    assert.error_matches(function() hn.report(net, test, folder) end, "finite outputs, got nan for sample 1", 1, true)
    assert.equal("old", files.read(folder .. "/index.html"))
  end)

  it("a folder that is a file, and one in which nothing can be written, and leaves nothing behind", function()
    local file <const>, folder <const> = files.write "kept", files.folder()
    assert.error_matches(function() hn.report(network(2), test, file) end, "hn.report: " .. file, 1, true)
    assert.equal("kept", files.read(file))
    assert(os.execute(("mkdir %s/index.html"):format(folder)))
    assert.error_matches(function() hn.report(network(2), test, folder) end, "hn.report: '" .. folder, 1, true)
    local left <close> = io.popen("ls " .. folder)
    assert.equal("index.html\n", left:read "a")
  end)

  it("scripts in a sandbox", function()
    local _, err <const>, code <const> = program.run { "--sandbox", "-e", "local hn = require 'hn' "
      .. "hn.report(hn.nn.Linear(1, 1), { x = { { 1 } }, y = { 1 } }, '/tmp/x')" }
    assert.equal(1, code)
    assert.matches("not open to this script", err, 1, true)
  end)
end)
