#include "bench/process_usage.h"

#include <unistd.h>

#include <charconv>
#include <fstream>
#include <iterator>
#include <optional>
#include <string>

namespace coterie::bench {
namespace {

/// The number behind blanks.
std::optional<std::uint64_t> number_at(std::string_view text) {
  const auto begin = text.find_first_not_of(" \t");
  if (begin == std::string_view::npos) return std::nullopt;
  std::uint64_t number = 0;
  const char* end = text.data() + text.size();
  if (std::from_chars(text.data() + begin, end, number).ec != std::errc()) return std::nullopt;
  return number;
}

/// Of a line "Name:   123 kB"; nothing if there is no such line.
std::optional<std::uint64_t> kilobytes(std::string_view status, std::string_view name) {
  const auto at = status.find(name);
  return at == std::string_view::npos ? std::nullopt : number_at(status.substr(at + name.size()));
}

/// The blank-separated field, from 0.
std::string_view field(std::string_view text, int index) {
  for (; index > 0; --index) {
    const auto blank = text.find(' ');
    if (blank == std::string_view::npos) return {};
    text.remove_prefix(blank + 1);
  }
  return text;
}

std::string read_file(const std::string& path) {
  std::ifstream in(path);
  return {std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>()};
}

}  // namespace

void ProcessUsage::add(const ProcessUsage& other) {
  user_seconds += other.user_seconds;
  system_seconds += other.system_seconds;
  resident_anon_bytes += other.resident_anon_bytes;
  resident_bytes += other.resident_bytes;
}

Result<ProcessUsage> parse_usage(std::string_view stat, std::string_view status,
                                 double ticks_a_second) {
  const auto bad = [] { return fail(ErrorCode::corrupt, "not what /proc says of a process"); };
  // The program's name, in brackets, may hold blanks and brackets itself. See proc(5): the state
  // is field 3, utime 14, stime 15.
  const auto bracket = stat.rfind(')');
  if (bracket == std::string_view::npos || bracket + 2 > stat.size()) return bad();
  const std::string_view rest = stat.substr(bracket + 2);
  const auto user = number_at(field(rest, 11));
  const auto system = number_at(field(rest, 12));
  if (!user || !system) return bad();
  // A process that has just ended has no memory left.
  return ProcessUsage{
      .user_seconds = static_cast<double>(*user) / ticks_a_second,
      .system_seconds = static_cast<double>(*system) / ticks_a_second,
      .resident_anon_bytes = kilobytes(status, "RssAnon:").value_or(0) * 1024,
      .resident_bytes = kilobytes(status, "VmRSS:").value_or(0) * 1024,
  };
}

Result<ProcessUsage> usage_of(const std::vector<int>& pids) {
  ProcessUsage all;
  for (const int pid : pids) {
    const std::string folder = "/proc/" + std::to_string(pid);
    const auto usage = parse_usage(read_file(folder + "/stat"), read_file(folder + "/status"),
                                   static_cast<double>(::sysconf(_SC_CLK_TCK)));
    if (!usage) {
      return fail(ErrorCode::not_found, "there is no process " + std::to_string(pid));
    }
    all.add(*usage);
  }
  return all;
}

}  // namespace coterie::bench
