--- The classes of modules by name, the last made of each: what model files know kinds of layers by.
-- @module hn.nn.classes
return {}
