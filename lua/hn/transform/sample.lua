--- A sample of bounded size of a stream of weighted events: priority sampling (Duffield, Lund & Thorup 2007). An event
-- of weight w has the priority w / u, with u uniform in (0, 1]; those with the highest ones stay. With t the highest
-- priority that went, a sampled event stands for the weight max(w, t), so that every sum of weights is estimated
-- without bias, and exact while all events stay.
-- @module hn.transform.sample

local Sample <const> = {}
Sample.__index = Sample

--- SplitMix64 (Steele, Lea & Flood 2014): the next number in (0, 1], always the same ones.
local function uniform(self)
  self.state = self.state + 0x9E3779B97F4A7C15
  local z = self.state
  z = (z ~ z >> 30) * 0xBF58476D1CE4E5B9
  z = (z ~ z >> 27) * 0x94D049BB133111EB
  z = z ~ z >> 31
  return ((z >> 11) + 1) * 2.0 ^ -53
end

--- At most `most` events of `size` numbers each; they take 4 bytes a number and some 60 an event.
function Sample.new(size, most)
  return setmetatable({ size = size, most = most, state = 0, threshold = 0.0, heap = {}, format = "<" .. ("f"):rep(size)
    }, Sample)
end

local function rise(heap, k)
  while k > 1 and heap[k // 2].priority > heap[k].priority do
    heap[k // 2], heap[k] = heap[k], heap[k // 2]
    k = k // 2
  end
end

local function sink(heap)
  local k = 1
  while true do
    local least = k
    for child = 2 * k, 2 * k + 1 do
      if heap[child] and heap[child].priority < heap[least].priority then least = child end
    end
    if least == k then return end
    heap[k], heap[least] = heap[least], heap[k]
    k = least
  end
end

--- Adds an event of weight w above 0, the numbers of a list behind number `first`.
function Sample:add(values, first, w)
  local heap <const>, priority <const> = self.heap, w / uniform(self)
  local full <const> = #heap == self.most
  if full then
    self.threshold = math.max(self.threshold, math.min(priority, heap[1].priority))
    if priority <= heap[1].priority then return end
  end
  local event <const> = { priority = priority, weight = w,
    bytes = self.format:pack(table.unpack(values, first + 1, first + self.size)) }
  heap[full and 1 or #heap + 1] = event
  if full then sink(heap) else rise(heap, #heap) end
end

--- The numbers of one feature with the weights that they stand for: a list of { x, weight }, smallest x first.
function Sample:column(feature)
  local list <const> = {}
  for k, event in ipairs(self.heap) do
    list[k] = { string.unpack("<f", event.bytes, 4 * feature - 3), math.max(event.weight, self.threshold) }
  end
  table.sort(list, function(a, b) return a[1] < b[1] end)
  return list
end

return Sample
