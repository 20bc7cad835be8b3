#pragma once

#include "client/client.h"
#include "client/tool/arguments.h"
#include "client/tool/exit_codes.h"

namespace coterie::tool {

// Each carries out one command and prints what it has to say.

[[nodiscard]] Exit run_get(const Arguments& arguments, client::Client& client);
[[nodiscard]] Exit run_put(const Arguments& arguments, client::Client& client);
[[nodiscard]] Exit run_remove(const Arguments& arguments, client::Client& client);
[[nodiscard]] Exit run_import(const Arguments& arguments, client::Client& client);
[[nodiscard]] Exit run_compare(const Arguments& arguments, client::Client& client);
[[nodiscard]] Exit run_export(const Arguments& arguments, client::Client& client);

/// Says what went wrong, on standard error, and as JSON on standard output if that was asked for.
Exit complain(const Arguments& arguments, const Error& error);

}  // namespace coterie::tool
