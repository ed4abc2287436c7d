-- The reference manual, and the checks that all that is public is documented and has a spec.

local files <const> = require "spec.support.files"
local lfs <const> = require "lfs"
local program <const> = require "spec.support.program"

describe("scripts/check_docs.lua", function()
  -- The check on a header with these lines in a section: what it says, and its exit code.
  local function check(lines)
    local path <const> = files.path()
    files.write("/* A header. */\n/* ---- Things ---- */\n\n" .. lines .. "\n", path)
    local _, err <const>, code <const> = program.run { "scripts/check_docs.lua", path }
    return err, code
  end

  it("finds nothing wanting in the tree", function()
    assert.same({ "", "", 0 }, { program.run { "scripts/check_docs.lua" } })
  end)

  local CASES <const> = { -- lines of a header, the functions without a comment
    { "/* Does it. */\nHN_API int hn_do(int a);", {} },
    { "/* Does it. */\nHN_API int hn_do(int a);\nHN_API int hn_undo(int a);", {} },
    { "HN_API int hn_do(int a);", { "hn_do" } },
    { "/* Does it. */\nHN_API int hn_do(int a,\n  int b);\n\nHN_API void hn_undo(void);", { "hn_undo" } },
    { "/* What it is. */\ntypedef struct hn_it {\n  int a; /* one; two */\n} hn_it;\n\nHN_API hn_it *hn_get(void);",
      { "hn_get" } },
    { "", { "no functions" } },
  }
  for i, case in ipairs(CASES) do
    it(("names the functions of header %d that have none"):format(i), function()
      local err <const>, code <const> = check(case[1])
      assert.equal(#case[2] == 0 and 0 or 1, code)
      for _, name in ipairs(case[2]) do assert.matches(name, err, 1, true) end
      local _, lines <const> = err:gsub("\n", "")
      assert.equal(#case[2], lines)
    end)
  end
end)

describe("scripts/check_specs.lua", function()
  -- What the check says of a folder with one file.
  local function check(name, text)
    local folder <const> = files.folder()
    files.write(text, folder .. "/" .. name)
    local _, err <const>, code <const> = program.run { "scripts/check_specs.lua", folder }
    assert.equal(1, code)
    return err
  end

  it("finds nothing wanting in the tree", function()
    assert.same({ "", "", 0 }, { program.run { "scripts/check_specs.lua" } })
  end)

  local CLIP <const> = "hn.optim.SGD: no spec sets option 'clip'"
  local CASES <const> = { -- a file, what it holds, a complaint, whether that is made
    { "a.c", "hn_tensor_copy(a, b);", "hn_tensor_copy: no spec calls it", false },
    { "a.c", "/* hn_tensor_copy(a, b); */ hn_tensor_copy_all(a, b);", "hn_tensor_copy: no spec calls it", true },
    { "a.lua", "hn.tensor { 1 }:item()", "tensor:item: no spec calls it", false },
    { "a.lua", "local item = 1 -- t:item()", "tensor:item: no spec calls it", true },
    { "a.lua", "for _, name in ipairs { 'x', \"Gauss\" } do nn[name]() end", "hn.nn.Gauss: no spec calls it", false },
    { "a.lua", "hn.optim.SGD { lr = 1, clip = 2 }", CLIP, false },
    { "a.lua", "{ \"SGD\", { lr = 1, clip = 2 } }", CLIP, false },
    { "a.lua", "hn.optim.SGD { lr = 1 } hn.optim.Adam { clip = 2 } clip = 2", CLIP, true },
    { "a.lua", "hn.optim.SGD { lr = clip == 2 }", CLIP, true },
  }
  for i, case in ipairs(CASES) do
    it(("knows what has a spec, %d: %s"):format(i, case[2]), function()
      assert.equal(case[4], check(case[1], case[2]):find(case[3] .. "\n", 1, true) ~= nil)
    end)
  end
end)

describe("scripts/manual.lua", function()
  local pages -- by path, made on first use
  local there <const> = os.execute "command -v ldoc >/dev/null && command -v cmark-gfm >/dev/null"

  local function make()
    local folder <const> = files.folder() .. "/manual"
    assert.same({ "", "", 0 }, { program.run { "scripts/manual.lua", folder } })
    assert.is_nil(lfs.attributes(folder .. ".input"))
    pages = {}
    for _, part in ipairs { "", "modules/" } do
      for name in lfs.dir(folder .. "/" .. part) do
        if name:find "%.%a+$" then pages[part .. name] = files.read(folder .. "/" .. part .. name) end
      end
    end
  end

  local CASES <const> = { -- a page, what it holds
    { "index.html", "<h1 id=\"hnrun\">" }, { "index.html", "<th>Adam 0.001</th>" },
    { "examples.html", "examples/loop.lua" }, { "examples.html", '<h2 id="examples/embed/predict.c">' },
    { "examples.html", 'frame.Define("score"' }, { "examples.html", "examples/physics/higgs.lua" },
    { "c.html", '<a id="hn_tensor_copy"></a>' },
    { "c.html", "int32 for labels and indices" },
    { "modules/hn.html", "hn.fit(net, data, given)" }, { "modules/hn.html", 'href="../modules/hn.history.html"' },
    { "modules/tensor.html", "pool:matrix{ rows =, cols =, scheme" },
    { "modules/hn.nn.html", "hn.nn.Hashed(inputs, outputs, options)" },
    { "modules/net.html", "net:predict(x, options)" },
    { "modules/hn.optim.html", "hn.optim.step{ every =, factor = 0.1 }" },
    { "modules/data.html", "data:split(size, given)" }, { "modules/tensor.html", "tensor:keep()" },
    { "modules/matrix.html", "<code>pool:matrix{ rows =, cols =, &#46;&#46;&#46; }</code>" },
    { "modules/hn.operations.html", "hn.relu(x)" }, { "modules/hn.nn.weights.html", "<td>&quot;xavier&quot;</td>" },
    { "modules/hn.nn.memory.html", "the shape of a sample such as {28, 28}" },
    { "modules/hn.metrics.html", '<span class="parameter">scores</span>' },
  }
  for _, case in ipairs(CASES) do
    it(("has %q in %s"):format(case[2], case[1]), function()
      if not there then return pending "ldoc and cmark-gfm are not installed" end
      if not pages then make() end
      assert.matches(case[2], pages[case[1]], 1, true)
    end)
  end

  it("has no link to a page that is not there, and needs no network", function()
    if not there then return pending "ldoc and cmark-gfm are not installed" end
    if not pages then make() end
    local checked = 0
    for name, text in pairs(pages) do
      for target in text:gmatch '<[^>]- href="([^"#]+)' do
        checked = checked + 1
        local path <const> = (name:find "^modules/" and "modules/" or "") .. target
        assert.is_true(target:find "^https:" ~= nil or pages[path:gsub("^modules/%.%./", "")] ~= nil,
          name .. ": " .. target)
      end
      assert.not_matches("<script", text, 1, true)
      assert.not_matches("src=", text, 1, true)
      assert.not_matches('<link[^>]*href="http', text)
    end
    assert.is_true(checked > 100)
  end)
end)
