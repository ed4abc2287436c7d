--- What hn.fit returns: the course of a training run.
--
-- Fields: `epochs` (finished ones), lists with an entry for each epoch: `loss`, `error`, `lr`, `validation.loss`,
-- `validation.error` (infinity for an epoch after which they were not measured); `seconds`; `best` (the epoch with the
-- lowest validation loss, whose weights the network has);
-- `microbatch` (samples of the pieces in which minibatches went, at most; nil: they went whole), `memory` (the
-- prediction by which microbatch = "auto" chose; see net:memory);
-- `quantized` (of a run with the option `quantize`: { kind =, float32 =, rounded =, trained = }, the last three
-- { loss =, error = } before rounding, after it and after training, on the validation set or else the training set;
-- `trained` is not measured after Ctrl-C);
-- `interrupted` (true after Ctrl-C); `stopped` ("epochs", "patience", "callback" or "interrupted").
-- @module hn.history

local text <const> = require "hn.text"

local History <const> = {}
History.__index = History

--- Loss and error in words: "loss 0.2911, error 10.40 %".
local function measures(loss, err)
  return ("loss %.4f"):format(loss) .. (err and ", error " .. text.percent(err) or "")
end

--- What rounding did, in words: "int8: error 13.50 % as float32, 13.61 % rounded, 13.44 % trained".
local function rounding(q)
  local parts <const> = {}
  for _, name in ipairs { "float32", "rounded", "trained" } do
    local at <const> = q[name]
    if at then
      parts[#parts + 1] = (at.error and text.percent(at.error) or ("%.4f"):format(at.loss))
        .. (name == "float32" and " as " or " ") .. name
    end
  end
  return ("%s: %s %s"):format(q.kind, q.float32.error and "error" or "loss", table.concat(parts, ", "))
end

function History:__tostring()
  local parts, n <const> = {}, #self.loss
  parts[1] = ("%d epoch%s in %.1f s"):format(self.epochs, self.epochs == 1 and "" or "s", self.seconds)
  if n > 0 then parts[2] = measures(self.loss[n], self.error[n]) end
  local at <const> = self.best
  if at then
    parts[#parts + 1] = ("validation %s (epoch %d)"):format(
      measures(self.validation.loss[at], self.validation.error[at]), at)
  end
  if self.quantized then parts[#parts + 1] = rounding(self.quantized) end
  if self.microbatch then parts[#parts + 1] = ("pieces of up to %d samples"):format(self.microbatch) end
  if self.stopped ~= "epochs" then
    parts[#parts + 1] = self.interrupted and "interrupted" or "stopped by " .. self.stopped
  end
  return table.concat(parts, "; ")
end

--- Makes an empty history.
return function()
  return setmetatable({
    epochs = 0, loss = {}, error = {}, lr = {}, validation = { loss = {}, error = {} }, seconds = 0,
    interrupted = false, stopped = "epochs",
  }, History)
end
