--- A network as C99: one source and one header, without dependencies.
-- @module hn.export.c

local Constants <const> = require "hn.export.constants"
local core <const> = require "hn.core"
local kinds <const> = require "hn.kinds"
local pieces <const> = require "hn.export.pieces"

--- The order in which pieces stand in a file.
local order <const> = { "copy", "clear", "weight", "weight_int4", "dense", "exact", "matrix", "slot", "balanced_slot",
  "element", "line", "batch_norm", "layer_norm", "centre", "rescale", "signed_log", "interpolate", "largest",
  "softmax", "log_softmax" }

--- What collects the parts of a file: calls of the function, pieces that they need, constants, buffers.
local Writer <const> = {}
Writer.__index = Writer

function Writer:call(...) self.calls[#self.calls + 1] = "  " .. (...):format(select(2, ...)) .. "\n" end

function Writer:need(piece)
  self.needed[piece] = true
end

--- The vector that a step writes: y if nothing but changes in place comes after it, else the free one of two buffers.
function Writer:target(width, last)
  if last then return "y" end
  local name <const> = self.current == "a" and "b" or "a"
  self.buffers[name] = math.max(self.buffers[name] or 0, width)
  return name
end

function Writer:product(name, weights, owner, from, to)
  if kinds.of(weights) == "matrix" then
    local info <const> = weights:info()
    self:need(self.constants.kind == "int4" and "weight_int4" or "weight")
    self:need "matrix"
    self:need(info.scheme)
    self.balanced = self.balanced or info.balanced
    self.constants:matrix(name, weights, owner)
    self:call("hashed_%s(&%s, %s, %s);", info.scheme, name, from, to)
  else
    local shape <const> = weights:shape()
    self:need(self.constants.kind == "int4" and "weight_int4" or "weight")
    self:need "dense"
    local array <const>, scale <const> = self.constants:weights(name, weights)
    self:call("dense(%s, %s, %d, %d, %s, %s);", array, scale, shape[1], shape[2], from, to)
  end
end

--- target = bias + weights · current
function Writer:weights(step, last)
  local target <const> = self:target(step.width, last)
  if kinds.of(step.bias) == "tensor" then
    self:need "copy"
    self:call("copy(%d, %s, %s);", step.width, self.constants:tensor(step.name .. "_bias", step.bias), target)
  else
    self:need "clear"
    self:call("clear(%d, %s);", step.width, target)
  end
  if kinds.of(step.bias) == "matrix" then
    self.one = true
    self:product(step.name .. "_bias", step.bias, step.name, "one", target)
  end
  if step.exact then
    self:need "exact"
    self:call("exact(%s, %d, %d, %s, %s);", self.constants:tensor(step.name, step.weights), step.outputs, step.inputs,
      self.current, target)
  else
    self:product(step.name, step.weights, step.name, self.current, target)
  end
  self.current = target
end

local in_place <const> = {}

function in_place.BatchNorm(self, step)
  local m <const>, c <const> = step.module, self.constants
  local gain <const>, variance <const> = m.gain:table(), m.running_variance:table()
  for i, value in ipairs(gain) do gain[i] = value / math.sqrt(variance[i] + m.epsilon) end
  c:floats(step.name .. "_gain", gain)
  self:need "batch_norm"
  self:call("batch_norm(%d, %s, %s_gain, %s, %s);", step.width, c:tensor(step.name .. "_mean", m.running_mean),
    step.name, c:tensor(step.name .. "_bias", m.bias), self.current)
end

function in_place.LayerNorm(self, step)
  local m <const>, c <const> = step.module, self.constants
  self.math = true
  self:need "layer_norm"
  self:call("layer_norm(%d, %s, %s, %s, %s);", step.width, Constants.float(m.epsilon),
    c:tensor(step.name .. "_gain", m.gain), c:tensor(step.name .. "_bias", m.bias), self.current)
end

function in_place.Affine(self, step)
  local m <const>, c <const> = step.module, self.constants
  self:need "centre"
  self:call("centre(%d, %s, %s);", step.width, c:tensor(step.name .. "_mean", m.mean), self.current)
  if m.scale then
    self:need "rescale"
    self:call("rescale(%d, %s, %s);", step.width, c:tensor(step.name .. "_scale", m.scale), self.current)
  end
end

function in_place.Log(self, step)
  self.math = true
  self:need "signed_log"
  self:call("signed_log(%d, %s, %s);", step.width, self.constants:tensor(step.name .. "_rate", step.module.rate),
    self.current)
end

function in_place.Interpolate(self, step)
  local m <const>, c <const> = step.module, self.constants
  self:need "interpolate"
  self:call("interpolate(%d, %d, %s, %s, %s);", step.width, m.count, c:tensor(step.name .. "_knots", m.knots),
    c:tensor(step.name .. "_values", m.values), self.current)
end

local function softmax(piece)
  return function(self, step)
    self.math = true
    self:need(piece)
    self:call("%s(%d, %s);", piece, step.width, self.current)
  end
end
in_place.Softmax, in_place.LogSoftmax = softmax "softmax", softmax "log_softmax"

local function elementwise(self, step)
  local f <const> = pieces.functions[step.kind]
  self.math = self.math or f.math
  self.functions[step.kind] = true
  self:call("%s(%d, %s%s);", f[1], step.width, f[3] and Constants.float(step.module[f[3]]) .. ", " or "", self.current)
end

--- A layer that changes its input gets a copy of the caller's.
function Writer:in_place(step, last)
  if self.current == "x" then
    local target <const> = self:target(step.width, last)
    self:need "copy"
    self:call("copy(%d, x, %s);", step.width, target)
    self.current = target
  end
  (in_place[step.kind] or elementwise)(self, step)
end

local function last_weights(plan)
  local last = 0
  for i, step in ipairs(plan) do
    if step.weights then last = i end
  end
  return last
end

local function write(plan, kind)
  local self <const> = setmetatable({ constants = Constants.new(kind), calls = {}, needed = { largest = true },
    functions = {}, buffers = {}, current = "x" }, Writer)
  local last <const> = last_weights(plan)
  for i, step in ipairs(plan) do
    self.calls[#self.calls + 1] = ("  /* %s: %s */\n"):format(step.path == "" and "net" or step.path, step.text)
    if step.weights then self:weights(step, i == last) else self:in_place(step, i >= last) end
  end
  return self
end

--- The pieces that are needed, as text; both ways to find a slot have their own arguments.
local function helpers(self)
  local needed <const>, list <const> = self.needed, {}
  needed.slot, needed.balanced_slot = needed.matrix and not self.balanced, needed.matrix and self.balanced
  local slot <const> = self.balanced and "slot(m, b, i, %1, h)" or "slot(b, h)"
  for _, name in ipairs(order) do
    if needed[name] then list[#list + 1] = (pieces[name]:gsub("SLOT%((%w+)%)", slot)) end
  end
  local names <const> = {}
  for name in pairs(self.functions) do names[#names + 1] = name end
  table.sort(names)
  for _, name in ipairs(names) do list[#list + 1] = pieces.elementwise(name) end
  return table.concat(list, "\n")
end

local function buffers(self)
  local text, bytes = self.one and "  static const float one[1] = {1.0f};\n" or "", 0
  for _, name in ipairs { "a", "b" } do
    local size <const> = self.buffers[name]
    if size then
      text = text .. ("  static float %s[%d];\n"):format(name, size)
      bytes = bytes + 4 * size
    end
  end
  return text, bytes
end

local banner <const> = [[
/*
 * A network of %d inputs and %d outputs, written by hnrun %s from %s:
 *
%s *
 * #include "%s.h"
 *
 *   float x[%s_INPUTS], y[%s_OUTPUTS];
 *   int best = %s_predict(x, y);
 *
 * x is one sample as the network was trained on, y gets its outputs, and the result is the number of the largest one,
 * counted from 0. One call at a time: the layers' outputs stand in static buffers of %d bytes. The constants take
 * %d bytes%s. C99; it needs %s.
 */
]]

local function layers(plan)
  local list <const> = {}
  for i, step in ipairs(plan) do
    list[i] = (" *   %-4s %s\n"):format(step.path == "" and "net" or step.path, step.text)
  end
  return table.concat(list)
end

local header <const> = [[
/* A network of %d inputs and %d outputs, written by hnrun; %s.c says which. */
#ifndef %s_H
#define %s_H

#ifdef __cplusplus
extern "C" {
#endif

enum { %s_INPUTS = %d, %s_OUTPUTS = %d };

/* y = the network's outputs for the sample x; x and y do not overlap. Returns the number of the largest output, from 0.
 * Not from two threads at once. */
int %s_predict(const float *x, float *y);

#ifdef __cplusplus
}
#endif

#endif
]]

--- The two files can't be replaced in one moment, so the source takes no other network's header.
local pair <const> = "typedef char header_is_of_this_source[%s_INPUTS == %d && %s_OUTPUTS == %d ? 1 : -1];\n"

local function header_of(plan, name, upper)
  return header:format(plan.inputs, plan.outputs, name, upper, upper, upper, plan.inputs, upper, plan.outputs, name)
end

local types <const> = { float32 = "float", int4 = "uint8_t", int8 = "int8_t", int16 = "int16_t" }

--- Writes the plan of a network as C. Options: `name`, which public names begin with; `from`, the file that the comment
-- names; `kind`, how weights are stored, "float32" or one of quantise.levels. Returns source and header as texts, and a
-- table: `constants` and `buffers` in bytes, `stored`, the number of weights in the file.
return function(plan, o)
  local name <const>, upper <const> = o.name, o.name:upper()
  local self <const> = write(plan, o.kind)
  local arrays <const>, room <const> = buffers(self)
  local c <const> = self.constants
  local source <const> = {
    banner:format(plan.inputs, plan.outputs, core.version, o.from:gsub("[%c*]", "?"), layers(plan), name, upper, upper,
      name, room, c.bytes,
      o.kind ~= "float32" and (", weights as %s with a scale for each pool and dense matrix"):format(o.kind) or "",
      self.math and "functions of math.h (libm)" or "nothing else"),
    ('#include "%s.h"\n\n%s#include <stddef.h>\n#include <stdint.h>\n'):format(name,
      self.math and "#include <math.h>\n" or ""),
    pair:format(upper, plan.inputs, upper, plan.outputs),
    c.count > 0 and ("typedef %s stored; /* %s */\n"):format(types[o.kind],
      o.kind == "int4" and "two weights" or "a weight") or "",
    helpers(self), table.concat(c.parts, "\n"),
    ("int %s_predict(const float *x, float *y) {\n%s%s  return largest(%d, y);\n}\n"):format(name, arrays,
      table.concat(self.calls), plan.outputs),
  }
  return table.concat(source, "\n"), header_of(plan, name, upper),
    { constants = c.bytes, buffers = room, stored = c.count }
end
