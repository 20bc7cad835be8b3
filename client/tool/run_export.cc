#include <chrono>
#include <cstdio>
#include <string>
#include <utility>

#include "base/env/system.h"
#include "client/tool/commands.h"
#include "client/tool/export.h"
#include "client/tool/json.h"
#include "client/tool/progress.h"
#include "client/tool/tsv.h"

namespace coterie::tool {
namespace {

using namespace std::chrono_literals;

/// Prints records as lines; concurrent values as a line each.
class Printer {
 public:
  explicit Printer(Format format) : format_(format) {}

  void print(client::ScanRecord record) {
    if (record.siblings.empty()) return;
    ++records_;
    if (record.siblings.size() > 1) ++with_siblings_;
    for (auto& sibling : record.siblings) {
      const FileRecord out{.key = record.partition_key,
                           .sort_key = record.sort_key,
                           .value = std::move(sibling.value)};
      std::string line = format_ == Format::tsv ? to_tsv(out) : to_json_line(out);
      line.push_back('\n');
      is_good_ = is_good_ && std::fwrite(line.data(), 1, line.size(), stdout) == line.size();
    }
  }

  [[nodiscard]] std::uint64_t records() const { return records_; }
  [[nodiscard]] std::uint64_t with_siblings() const { return with_siblings_; }
  [[nodiscard]] bool is_good() const { return is_good_; }

 private:
  Format format_;
  std::uint64_t records_ = 0;
  std::uint64_t with_siblings_ = 0;
  bool is_good_ = true;
};

}  // namespace

Exit run_export(const Arguments& arguments, client::Client& client) {
  const Format by_flag = arguments.json ? Format::json_lines : Format::tsv;
  Printer printer(arguments.format.value_or(by_flag));
  const client::ScanOptions scan_options{.r = arguments.r};
  BucketReader reader(
      {.bucket = arguments.bucket,
       .partitions = client.partitions(),
       .in_flight = arguments.in_flight},
      [&](client::Range range, client::Cursor cursor, client::Callback<client::ScanPage> done) {
        client.scan(std::move(range), std::move(cursor), scan_options, std::move(done));
      },
      [&printer](client::ScanRecord record) { printer.print(std::move(record)); });
  const SystemClock clock;
  const Instant begun = clock.now();
  Progress progress(arguments.progress, "exported", begun);
  const auto state = [&] {
    return Progress::State{.done = printer.records(), .read = printer.records()};
  };
  while (reader.start(), !reader.is_done()) {
    client.poll(10ms);
    progress.show(state(), clock.now());
  }
  progress.finish(state(), clock.now());
  if (reader.failure()) return complain(arguments, *reader.failure());
  if (!printer.is_good()) {
    return complain(arguments, {.code = ErrorCode::io, .message = "cannot write standard output"});
  }
  const Duration time = clock.now() - begun;
  std::fprintf(stderr, "coterie: %s records in %.2f s (%s/s)\n", grouped(printer.records()).c_str(),
               std::chrono::duration<double>(time).count(),
               grouped(rate_of(printer.records(), time)).c_str());
  if (printer.with_siblings() > 0) {
    std::fprintf(stderr, "coterie: %s keys have several concurrent values, a line each\n",
                 grouped(printer.with_siblings()).c_str());
  }
  return Exit::success;
}

}  // namespace coterie::tool
