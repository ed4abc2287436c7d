-- Reads messages of Protocol Buffers: https://protobuf.dev/programming-guides/encoding.

-- A message's fields: lists of values by number, each a whole number, a float, or the bytes of what has a length.
return function(bytes)
  local fields <const>, at = {}, 1
  local function varint()
    local value, shift, byte = 0, 0
    repeat
      byte, at = string.unpack("B", bytes, at)
      value, shift = value | (byte & 127) << shift, shift + 7
    until byte < 128
    return value
  end
  while at <= #bytes do
    local key <const> = varint()
    local wire <const> = key & 7
    local value
    if wire == 0 then
      value = varint()
    elseif wire == 2 then
      local size <const> = varint()
      assert(at + size - 1 <= #bytes, "a length that goes beyond the message")
      value, at = bytes:sub(at, at + size - 1), at + size
    else
      assert(wire == 5, "a wire type that ONNX does not use")
      value, at = string.unpack("<f", bytes, at)
    end
    fields[key >> 3] = fields[key >> 3] or {}
    table.insert(fields[key >> 3], value)
  end
  return fields
end
