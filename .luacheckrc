std = "lua54"
max_line_length = 120

files["spec"].std = "lua54+busted"
-- A callback keeps the whole signature that it is called with.
unused_args = false
