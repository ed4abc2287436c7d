-- A copy of the engine as `make install` puts it somewhere, and programs built against it.

local program <const> = require "spec.support.program"

local install <const> = {}

-- Runs a shell command that has to succeed; gives what it says.
function install.ok(command)
  local out <const>, err <const>, code <const> = program.shell(command)
  assert(code == 0, command .. "\n" .. out .. err)
  return out
end

-- Installs a copy; gives the folder with its bin, include and lib, which the caller removes.
function install.copy()
  local folder <const> = os.tmpname()
  os.remove(folder)
  local above <const>, name <const> = folder:match "^(.*)(/[^/]*)$"
  install.ok(("env -u MAKEFLAGS -u MAKELEVEL make NVCC= install PREFIX=%s DESTDIR=%s"):format(name, above))
  return folder
end

-- Builds a program with the flags that pkg-config gives; returns its path, in the copy's folder.
function install.build(copy, source, compiler, flags)
  local path <const> = copy .. "/" .. source:match "([^/]+)%.%w+$"
  install.ok(("export PKG_CONFIG_PATH=%s/lib/pkgconfig; %s -Wall -Wextra -Wpedantic -Werror -o %s %s "
    .. "$(pkg-config --define-variable=prefix=%s --cflags --libs hn) -Wl,-rpath,%s/lib %s"):format(copy, compiler, path,
    source, copy, copy, flags or ""))
  return path
end

return install
