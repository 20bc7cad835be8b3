#include "bench/plot.h"

#include <doctest/doctest.h>

using namespace coterie::bench;

namespace {

std::vector<std::string> texts(const std::vector<Tick>& ticks) {
  std::vector<std::string> out;
  for (const Tick& tick : ticks) out.push_back(tick.text);
  return out;
}

}  // namespace

TEST_CASE("ticks are round and cover the range") {
  using Texts = std::vector<std::string>;
  CHECK(texts(ticks_of(0, 95, false)) == Texts{"0", "20", "40", "60", "80", "100"});
  CHECK(texts(ticks_of(0, 1'000'000, false)) == Texts{"0", "200k", "400k", "600k", "800k", "1M"});
  CHECK(texts(ticks_of(3, 40, true)) == Texts{"2", "5", "10", "20", "50"});
  CHECK(texts(ticks_of(0.2, 9000, true)) == Texts{"0.1", "1", "10", "100", "1k", "10k"});
  CHECK(ticks_of(0, 0, false).size() >= 2);
  CHECK(ticks_of(5, 5, true).size() >= 2);
}

TEST_CASE("numbers are short") {
  CHECK(short_number(0) == "0");
  CHECK(short_number(0.01234) == "0.0123");
  CHECK(short_number(137'412) == "137k");
  CHECK(short_number(1'846'016) == "1.85M");
}

TEST_CASE("what cannot be shown is left out, and text is escaped") {
  LinePlot plot{.x = {.title = "a < b", .is_log = true},
                .y = {.title = "ms"},
                .series = {{.name = "one", .points = {{.x = 0, .y = 1, .note = {}}}}},
                .x_ticks = {}};
  CHECK(svg_of(plot).contains("nothing was measured"));
  plot.series[0].points.push_back({.x = 10, .y = 1, .note = {}});
  plot.series[0].points.push_back({.x = 20, .y = 3, .note = "\"here\""});
  const std::string svg = svg_of(plot);
  CHECK(svg.contains("a &lt; b"));
  CHECK(svg.contains("&quot;here&quot;"));
  CHECK_FALSE(svg.contains("nan"));
  CHECK_FALSE(svg.contains("inf"));
}

TEST_CASE("bars") {
  const std::string svg = svg_of(
      BarPlot{.unit = "requests a second",
              .bars = {{.name = "one", .value = 10, .least = 8, .most = 12, .is_doubtful = true}}});
  CHECK(svg.contains("10 *"));
  CHECK(svg.contains("(8 to 12)"));
  CHECK_FALSE(svg_of(BarPlot{.unit = "x", .bars = {{.name = "none"}}}).contains("nan"));
}
