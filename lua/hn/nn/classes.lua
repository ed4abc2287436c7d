--- The classes of modules by name, the last made of each: what model files know kinds of layers by.
-- They stay known, with what their functions hold, until a class of the same name is made.
-- @module hn.nn.classes
return {}
