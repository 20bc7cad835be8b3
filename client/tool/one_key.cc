// get, put and delete.

#include <unistd.h>

#include <cstdio>
#include <iostream>
#include <iterator>
#include <utility>

#include "client/tool/commands.h"
#include "client/tool/json.h"

namespace coterie::tool {
namespace {

client::Key key_of(const Arguments& arguments) {
  return {
      .bucket = arguments.bucket, .partition_key = arguments.key, .sort_key = arguments.sort_key};
}

client::PutOptions put_options(const Arguments& arguments) {
  return {.w = arguments.w,
          .sloppy = arguments.sloppy,
          .time_to_live = std::chrono::milliseconds(arguments.time_to_live_ms)};
}

/// What a write is to replace: the context given, nothing, or what is read now. A delete needs
/// something to delete.
Result<client::Context> context_for(const Arguments& arguments, client::Client& client) {
  if (arguments.context) return client::Context::from_bytes(*arguments.context);
  if (arguments.is_blind) return client::Context();
  auto read = client.get(key_of(arguments), {.r = arguments.r, .sloppy = arguments.sloppy});
  if (!read) return std::unexpected(read.error());
  if (arguments.command == Command::remove && !read->is_found()) {
    return fail(ErrorCode::not_found, "not found");
  }
  return std::move(read->context);
}

Exit report_write(const Arguments& arguments, const Result<client::PutResult>& result) {
  if (!result) return complain(arguments, result.error());
  if (arguments.json) {
    std::printf("%s\n", to_json(key_of(arguments), *result).c_str());
    return Exit::success;
  }
  if (result->stand_ins > 0) {
    std::fprintf(stderr,
                 "coterie: owners are away: %u of the nodes that hold it stand in for them\n",
                 static_cast<unsigned>(result->stand_ins));
  }
  if (result->siblings > 1) {
    std::fprintf(stderr,
                 "coterie: the key has %u concurrent values now; coterie get shows them, a put "
                 "without --blind replaces them\n",
                 static_cast<unsigned>(result->siblings));
  }
  return Exit::success;
}

void print_values(const client::GetResult& result) {
  const bool has_several = result.siblings.size() > 1;
  const bool ends_lines = has_several || isatty(STDOUT_FILENO) != 0;
  for (const auto& sibling : result.siblings) {
    std::fwrite(sibling.value.data(), 1, sibling.value.size(), stdout);
    if (ends_lines) std::fputc('\n', stdout);
  }
  if (!has_several) return;
  std::fprintf(
      stderr, "coterie: %zu concurrent values, one a line; a put (without --blind) replaces them\n",
      result.siblings.size());
}

}  // namespace

Exit complain(const Arguments& arguments, const Error& error) {
  std::fprintf(stderr, "coterie: %s\n", error.message.c_str());
  if (arguments.json) std::printf("%s\n", to_json(error).c_str());
  return exit_of(error);
}

Exit run_get(const Arguments& arguments, client::Client& client) {
  const auto result = client.get(key_of(arguments), {.r = arguments.r, .sloppy = arguments.sloppy});
  if (!result) return complain(arguments, result.error());
  if (arguments.json) {
    std::printf("%s\n", to_json(key_of(arguments), *result).c_str());
    return result->is_found() ? Exit::success : Exit::not_found;
  }
  if (result->stand_ins > 0) {
    std::fprintf(stderr,
                 "coterie: owners are away: what only they hold is missing (%u other nodes stood "
                 "in)\n",
                 static_cast<unsigned>(result->stand_ins));
  }
  if (result->is_found()) {
    print_values(*result);
  } else {
    std::fprintf(stderr, "coterie: not found\n");
  }
  return result->is_found() ? Exit::success : Exit::not_found;
}

Exit run_put(const Arguments& arguments, client::Client& client) {
  Bytes value = arguments.value;
  if (value == "-") {
    value.assign(std::istreambuf_iterator<char>(std::cin), std::istreambuf_iterator<char>());
  }
  auto context = context_for(arguments, client);
  if (!context) return complain(arguments, context.error());
  return report_write(arguments, client.write({.key = key_of(arguments),
                                               .value = std::move(value),
                                               .context = std::move(*context)},
                                              put_options(arguments)));
}

Exit run_remove(const Arguments& arguments, client::Client& client) {
  auto context = context_for(arguments, client);
  if (!context) return complain(arguments, context.error());
  return report_write(arguments,
                      client.write(client::Write::remove(key_of(arguments), std::move(*context)),
                                   put_options(arguments)));
}

}  // namespace coterie::tool
