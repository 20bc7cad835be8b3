#include "bench/process_usage.h"

#include <unistd.h>

#include <string>

#include <doctest/doctest.h>

using namespace coterie;
using namespace coterie::bench;

namespace {

/// As proc(5) has it, of a program whose name is made to confuse.
constexpr const char* stat =
    "4711 (a) (R 1 b) S 1 4711 4711 0 -1 4194560 100 0 3 0 250 125 7 8 20 0 5 0 100 1000 200\n";
constexpr const char* status =
    "Name:\ta\nVmRSS:\t    2048 kB\nRssAnon:\t    1024 kB\nRssFile:\t 1024 kB\n";

}  // namespace

TEST_CASE("usage is read from what /proc says") {
  const auto usage = parse_usage(stat, status, 100);
  REQUIRE(usage);
  CHECK(usage->user_seconds == doctest::Approx(2.5));
  CHECK(usage->system_seconds == doctest::Approx(1.25));
  CHECK(usage->cpu_seconds() == doctest::Approx(3.75));
  CHECK(usage->resident_anon_bytes == 1U << 20);
  CHECK(usage->resident_bytes == 2U << 20);
}

TEST_CASE("what is no such text is an error, at any length") {
  const std::string whole = stat;
  CHECK_FALSE(parse_usage("", status, 100));
  CHECK_FALSE(parse_usage("no process", status, 100));
  const auto enough = whole.find("125");
  for (std::size_t size = 0; size < enough; ++size) {
    CHECK_FALSE(parse_usage(whole.substr(0, size), status, 100));
  }
}

TEST_CASE("usage of this process is there, of one that cannot be is not") {
  const auto own = usage_of({::getpid()});
  REQUIRE(own);
  CHECK(own->resident_anon_bytes > 0);
  CHECK(own->resident_bytes >= own->resident_anon_bytes);
  const auto other = usage_of({::getpid(), 1 << 30});
  REQUIRE_FALSE(other);
  CHECK(other.error().code == ErrorCode::not_found);
  CHECK(usage_of({}).has_value());
}
