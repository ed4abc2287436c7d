--- Messages of Protocol Buffers, written: https://protobuf.dev/programming-guides/encoding. A message is a sequence of
-- fields. A field is its number and wire type as one varint (number · 8 + type), and a value:
--
-- - type 0, a varint: 7 bits in each byte, the lowest first, the top bit set in all bytes but the last;
-- - type 2, a varint with a length, and as many bytes: a text, raw data, or a message within;
-- - type 5, 4 bytes: a float.
--
-- Long data is not held: a field of it is its size and a function that writes it, so sizes are known before it exists.
-- @module hn.export.protobuf

local Message <const> = {}
Message.__index = Message

local function varint(value)
  local bytes <const> = {}
  while value < 0 or value > 127 do
    bytes[#bytes + 1] = string.char(value & 127 | 128)
    value = value >> 7
  end
  bytes[#bytes + 1] = string.char(value)
  return table.concat(bytes)
end

--- An empty message; `size` is its length in bytes.
local function new() return setmetatable({ parts = {}, size = 0 }, Message) end

local function add(self, part, size)
  self.parts[#self.parts + 1] = part
  self.size = self.size + size
  return self
end

local function head(self, field, wire, rest)
  local text <const> = varint(field << 3 | wire) .. rest
  add(self, text, #text)
end

--- Each of these adds a field and returns the message.
function Message:integer(field, value)
  head(self, field, 0, varint(value))
  return self
end

function Message:float(field, value)
  head(self, field, 5, string.pack("<f", value))
  return self
end

function Message:text(field, value)
  head(self, field, 2, varint(#value))
  return add(self, value, #value)
end

function Message:message(field, inner)
  head(self, field, 2, varint(inner.size))
  return add(self, inner, inner.size)
end

--- `size` bytes that write(put) gives when the message is written, by calls of put(text).
function Message:stream(field, size, write)
  head(self, field, 2, varint(size))
  return add(self, write, size)
end

--- Gives the message's bytes, by calls of put(text).
function Message:write(put)
  for _, part in ipairs(self.parts) do
    if type(part) == "string" then
      put(part)
    elseif type(part) == "function" then
      part(put)
    else
      part:write(put)
    end
  end
end

return new
