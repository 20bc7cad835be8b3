#include "tests/sim/arguments.h"

#include <cstdlib>
#include <functional>
#include <map>
#include <string_view>

namespace coterie::sim {

const char* const usage = R"(usage: tests/sim/run [options]
  --seeds N        run at least N seeds (default 1; times 4 if COTERIE_TEST_SCALE is long)
  --hours H        and at least H simulated hours
  --small N        how many seeds, and no hours, if COTERIE_TEST_SCALE is small
  --first S        the first of them (default 1)
  --corpus FILE    run the seeds of a file, one a line, instead
  --jobs N         so many at once (default: one a core)
  --floors         fail below what ./check demands of a run (not if the scale is small)
  --nodes N        nodes of the cluster (default: drawn)
  --calm           in two of three runs clients are not in a hurry
  --only 3,17      of the faults only those with these numbers
  --without KIND   no faults of this kind, for example "power loss"; may be repeated
  --minimise S     find the fewest faults with which seed S still fails
  --verbose        a line a seed
  --trace          tell what happens in each run
  --events         tell every event, too
  --twice          run each seed twice and compare (one of a hundred is in any case)
  --until-failure  stop at the first seed that fails
  --label TEXT     print a TRACE line a seed, for ./check to compare between builds
)";

namespace {

std::optional<std::uint64_t> number(const char* text) {
  char* end = nullptr;
  const auto value = std::strtoull(text, &end, 10);
  if (end == text || *end != '\0') return std::nullopt;
  return value;
}

std::optional<std::set<std::uint64_t>> numbers(const char* text) {
  std::set<std::uint64_t> out;
  while (*text != '\0') {
    char* end = nullptr;
    out.insert(std::strtoull(text, &end, 10));
    if (end == text || (*end != '\0' && *end != ',')) return std::nullopt;
    text = *end == ',' ? end + 1 : end;
  }
  return out;
}

bool* flag(Arguments& out, std::string_view option) {
  const std::map<std::string_view, bool*> flags = {{"--verbose", &out.is_verbose},
                                                   {"--trace", &out.has_trace},
                                                   {"--events", &out.has_events},
                                                   {"--twice", &out.runs_twice},
                                                   {"--until-failure", &out.stops_at_failure},
                                                   {"--floors", &out.has_floors},
                                                   {"--calm", &out.run.is_calm}};
  const auto found = flags.find(option);
  return found == flags.end() ? nullptr : found->second;
}

bool take_number(Arguments& out, std::string_view option, const char* text) {
  const auto value = number(text);
  if (!value) return false;
  if (option == "--seeds")
    out.seeds = *value;
  else if (option == "--small")
    out.small = *value;
  else if (option == "--first")
    out.first = *value;
  else if (option == "--jobs")
    out.jobs = static_cast<std::size_t>(*value);
  else if (option == "--nodes")
    out.run.nodes = static_cast<std::size_t>(*value);
  else if (option == "--minimise")
    out.minimised = *value;
  else
    return false;
  return true;
}

bool take(Arguments& out, std::string_view option, const char* text) {
  if (option == "--corpus") {
    out.corpus = text;
  } else if (option == "--label") {
    out.label = text;
  } else if (option == "--hours") {
    char* end = nullptr;
    out.hours = std::strtod(text, &end);
    return end != text && *end == '\0';
  } else if (option == "--only") {
    out.run.strikes.only = numbers(text);
    return out.run.strikes.only.has_value();
  } else if (option == "--without") {
    const auto kind = fault_kind(text);
    if (kind) out.run.strikes.without.insert(*kind);
    return kind.has_value();
  } else {
    return take_number(out, option, text);
  }
  return true;
}

}  // namespace

std::optional<Arguments> parse(int count, char** values) {
  Arguments out;
  for (int i = 1; i < count; ++i) {
    if (bool* const set = flag(out, values[i])) {
      *set = true;
    } else if (i + 1 == count || !take(out, values[i], values[i + 1])) {
      return std::nullopt;
    } else {
      ++i;
    }
  }
  if (out.has_events) out.has_trace = true;
  return out;
}

Scale test_scale() {
  const char* scale = std::getenv("COTERIE_TEST_SCALE");
  const std::string_view text = scale == nullptr ? "" : scale;
  return text == "small" ? Scale::small : text == "long" ? Scale::large : Scale::normal;
}

std::string list_text(const std::set<std::uint64_t>& numbers) {
  std::string out;
  for (const auto each : numbers) out += (out.empty() ? "" : ",") + std::to_string(each);
  return out;
}

std::string replay_options(const RunOptions& options) {
  std::string out;
  if (options.nodes != 0) out += " --nodes " + std::to_string(options.nodes);
  if (options.is_calm) out += " --calm";
  if (options.strikes.only) out += " --only '" + list_text(*options.strikes.only) + "'";
  for (const auto kind : options.strikes.without) {
    out += " --without '" + std::string(name(kind)) + "'";
  }
  return out;
}

}  // namespace coterie::sim
