#include "bench/report.h"

#include <doctest/doctest.h>
#include <nlohmann/json.hpp>

using namespace coterie;
using namespace coterie::bench;
using namespace std::chrono_literals;

namespace {

PhaseReport sample_phase() {
  PhaseReport phase;
  Tally& tally = phase.total.tally;
  for (int i = 1; i <= 100; ++i) tally.add_answer(Kind::read, i * 1ms, i <= 3);
  for (int i = 0; i < 50; ++i) tally.add_answer(Kind::update, 2ms, false);
  tally.add_answer(Kind::resolve, 500ms, false);
  tally.add_failure(Kind::update, 7ms, {.code = ErrorCode::unavailable, .message = "first"});
  tally.add_failure(Kind::update, 9ms, {.code = ErrorCode::unavailable, .message = "second"});
  phase.total.answered_in_window = 150;
  phase.total.cpu_seconds = 1;
  phase.seconds = 2;
  phase.seconds_in_all = 4;
  phase.servers = ProcessUsage{.user_seconds = 2, .system_seconds = 1};
  phase.each_second.push_back({.ended_s = 1, .took_s = 0.5, .answered = 150});
  return phase;
}

}  // namespace

TEST_CASE("operations are all kinds but those that only resolve") {
  const PhaseReport phase = sample_phase();
  const KindTally all = phase.total.tally.operations();
  CHECK(all.answered == 150);
  CHECK(all.missing == 3);
  CHECK(all.failed == 2);
  CHECK(all.latency.count() == 150);
  CHECK(all.latency.greatest() == 100ms);
  CHECK(phase.rate() == doctest::Approx(75));
  CHECK(phase.per_million(3) == doctest::Approx(20'000));
  CHECK(phase.bench_busy(1) == doctest::Approx(0.25));
  CHECK(phase.bench_busy(2) == doctest::Approx(0.125));
}

TEST_CASE("tallies of several threads add up") {
  PhaseTally one = sample_phase().total;
  PhaseTally sum;
  sum.add(one);
  one.tally.errors[ErrorCode::io] = {.count = 3, .message = "another"};
  one.last_answer = Instant(5s);
  sum.add(one);
  CHECK(sum.answered_in_window == 300);
  CHECK(sum.tally.of(Kind::read).answered == 200);
  CHECK(sum.tally.of(Kind::read).latency.count() == 200);
  CHECK(sum.tally.errors.at(ErrorCode::unavailable).count == 4);
  CHECK(sum.tally.errors.at(ErrorCode::unavailable).message == "first");
  CHECK(sum.tally.errors.at(ErrorCode::io).message == "another");
  CHECK(sum.last_answer == Instant(5s));
}

TEST_CASE("the JSON has its shape") {
  Report report{.settings = {}, .machine = this_machine(), .load = {}, .run = sample_phase()};
  report.settings.workload = "a";
  const auto json = nlohmann::json::parse(json_of(report));
  CHECK(json.at("format") == 1);
  CHECK(json.at("tool") == "coterie-bench");
  CHECK(json.at("machine").at("cores").get<int>() >= 1);
  CHECK(json.at("settings").at("workload") == "a");
  CHECK(json.at("settings").at("loop") == "closed");
  CHECK(json.at("settings").at("rate").is_null());
  CHECK(json.at("load").is_null());
  const auto& run = json.at("run");
  CHECK(run.at("operations") == 152);
  CHECK(run.at("operations_per_second") == doctest::Approx(75));
  CHECK(run.at("all").at("answered") == 150);
  CHECK(run.at("kinds").at("read").at("missing") == 3);
  CHECK(run.at("kinds").at("update").at("failed") == 2);
  CHECK(run.at("kinds").at("resolve").at("answered") == 1);
  CHECK_FALSE(run.at("kinds").contains("insert"));
  CHECK(run.at("kinds").at("read").at("latency_us").at("p50").get<double>() ==
        doctest::Approx(50'000).epsilon(1.0 / 32));
  const auto& failing = run.at("kinds").at("update").at("failed_latency_us");
  CHECK(failing.at("greatest") == doctest::Approx(9000));
  CHECK_FALSE(run.at("kinds").at("read").contains("failed_latency_us"));
  CHECK(run.at("errors").at(0).at("code") == name(ErrorCode::unavailable));
  CHECK(run.at("errors").at(0).at("count") == 2);
  CHECK(run.at("errors").at(0).at("first") == "first");
  CHECK(run.at("servers").at("cpu_seconds_per_million") == doctest::Approx(20'000));
  CHECK(run.at("each_second").size() == 1);
}

TEST_CASE("messages that are not UTF-8 do not spoil the JSON") {
  Report report;
  report.run.emplace().total.tally.add_failure(Kind::read, 1ms,
                                               {.code = ErrorCode::io, .message = "\xff\xfe"});
  const auto json = nlohmann::json::parse(json_of(report));
  CHECK(json.at("run").at("errors").at(0).at("count") == 1);
}

TEST_CASE("the text tells what a reader must not miss") {
  Report report{.settings = {}, .machine = {}, .load = {}, .run = sample_phase()};
  std::string text = text_of(report);
  CHECK(text.find("failed with") != std::string::npos);
  CHECK(text.find("first") != std::string::npos);
  CHECK(text.find("may be the bound") == std::string::npos);
  CHECK(text.find("backlog") == std::string::npos);
  report.run->total.cpu_seconds = 3.9;
  report.settings.rate = 1'234'567;
  report.run->total.unsent = 4321;
  text = text_of(report);
  CHECK(text.find("1,234,567 operations a second") != std::string::npos);
  CHECK(text.find("4,321") != std::string::npos);
  report.settings.rate.reset();
  CHECK(text_of(report).find("may be the bound") != std::string::npos);
}
