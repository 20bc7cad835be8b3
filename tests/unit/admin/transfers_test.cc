#include <doctest/doctest.h>

#include <chrono>
#include <memory>
#include <utility>

#include <nlohmann/json.hpp>

#include "client/admin_tool/stream_views.h"
#include "client/admin_tool/transfer_views.h"
#include "node/admin/change_documents.h"
#include "node/admin/metrics.h"
#include "tests/unit/admin/samples.h"

namespace coterie::transfers_test {

using namespace coterie::admin;
using namespace coterie::admin_samples;
using Json = nlohmann::ordered_json;
using Phase = transfer::StreamStatus::Phase;

namespace {

transfer::StreamStatus stream(std::uint32_t partition, Phase phase) {
  transfer::StreamStatus out{
      .partition = PartitionId{partition}, .change = 5, .phase = phase, .source = node_id(2)};
  if (phase == Phase::covered) {
    out.records = out.records_total = 100;
    out.bytes = 1'000'000;
    out.bytes_total = out.bytes;
  }
  if (phase == Phase::streaming) {
    out.records = 25;
    out.records_total = 100;
    out.bytes = 250'000;
    out.bytes_total = 1'000'000;
    out.bytes_a_second = 50'000;
    out.left = std::chrono::seconds(15);
  }
  if (phase == Phase::held) out.why = "33333333 does not answer";
  return out;
}

/// Node 1 is being given five partitions.
NodeStatus with_streams() {
  NodeStatus status = status_of();
  status.changes = {{.change = 5,
                     .stage = Stage::open,
                     .is_paused = false,
                     .partitions = 5,
                     .ready = 2,
                     .missing = {"11111111 has not taken all data of 3 partitions"}}};
  status.shards[0].streams.streams = {stream(0, Phase::covered), stream(2, Phase::streaming),
                                      stream(4, Phase::queued)};
  status.shards[1].streams.streams = {stream(1, Phase::covered), stream(3, Phase::held)};
  status.shards[1].streams.failures = 4;
  return status;
}

std::string merged(const std::vector<std::string>& documents) {
  std::vector<admin_tool::NodeAnswer> answers;
  for (const auto& document : documents) {
    answers.push_back({"id", admin_tool::Fetched{.status = 200, .body = document, .at = {}}});
  }
  return admin_tool::merge_answers(answers);
}

bool contains(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

}  // namespace

TEST_CASE("the streams of all shards are one document, by partition") {
  const auto document = Json::parse(transfers_document(with_streams()));
  CHECK(document["format"] == 1);
  CHECK(document["failures"] == 4);
  REQUIRE(document["changes"].size() == 1);
  CHECK(document["changes"][0]["stage"] == "open");
  CHECK(document["changes"][0]["missing"].size() == 1);
  REQUIRE(document["streams"].size() == 5);
  for (std::size_t i = 0; i < 5; ++i) CHECK(document["streams"][i]["partition"] == i);
  CHECK(document["streams"][2]["left_s"] == 15);
  CHECK(document["streams"][3]["why"] == "33333333 does not answer");
  CHECK(document["streams"][4]["bytes_total"].is_null());
}

TEST_CASE("transfers: each change, who is given something, what comes and what is held") {
  auto other = status_of(2);
  other.changes = with_streams().changes;
  other.changes[0].ready = 0;
  other.changes[0].missing = {"an old view"};
  const auto view = admin_tool::transfers_view(
      merged({transfers_document(other), transfers_document(with_streams())}), false);
  REQUIRE(view);
  CHECK(view->is_well);
  CHECK(view->text == R"(change 5 is open; 2 of 5 partitions ready for the next step
  waits: 11111111 has not taken all data of 3 partitions

new owner  parts  done     %    moved       of       rate  left  what blocks
11111111       5     2  45 %  2.25 MB  5.00 MB  50.0 kB/s  55 s  1 held: 33333333 does not answer

partition  from      to        phase              moved       rate  left  what blocks
        2  22222222  11111111  streaming  250 kB (25 %)  50.0 kB/s  15 s
        3  22222222  11111111  held                 0 B      0 B/s     -  33333333 does not answer

hold it: cluster-admin pause 5; take it back: cluster-admin abort 5
)");
  const auto all =
      admin_tool::all_transfers_view(merged({transfers_document(with_streams())}), false);
  REQUIRE(all);
  CHECK(contains(all->text, "queued"));
  CHECK(contains(all->text, "covered"));
}

TEST_CASE("transfers: changes that are under way at once have each its own lines") {
  auto status = with_streams();
  status.changes.push_back({.change = 7,
                            .stage = Stage::open,
                            .is_paused = true,
                            .partitions = 1,
                            .missing = {"it is paused: resume it"}});
  status.shards[0].streams.streams.back().change = 7;
  const auto text = admin_tool::transfers_view(merged({transfers_document(status)}), false)->text;
  const auto second = text.find("\nchange 7 is open, paused; 0 of 1 partition ready");
  REQUIRE(second != std::string::npos);
  CHECK(text.starts_with("change 5 is open; 2 of 5 partitions ready"));
  CHECK(text.find("11111111       4     2") < second);
  CHECK(text.find("11111111       1     0") > second);
  CHECK(text.find("take it back: cluster-admin abort 5\n") < second);
  CHECK(text.ends_with("go on: cluster-admin resume 7; take it back: cluster-admin abort 7\n"));
}

TEST_CASE("transfers: paused, past aborting, and none") {
  auto status = with_streams();
  status.changes[0].is_paused = true;
  const auto paused = admin_tool::transfers_view(merged({transfers_document(status)}), false);
  CHECK(contains(paused->text, "is open, paused;"));
  CHECK(contains(paused->text, "go on: cluster-admin resume 5; take it back"));
  // Who is a stage behind does not speak for it.
  auto further = status_of(2);
  EpochContents next = further.view->epoch->contents();
  ++next.number.number;
  auto view = std::make_shared<RingView>(*further.view);
  view->epoch = std::make_shared<const Epoch>(*Epoch::make(std::move(next)));
  further.view = std::move(view);
  further.changes = {{.change = 5, .stage = Stage::cut_over, .partitions = 5, .missing = {}}};
  const auto cut = admin_tool::transfers_view(
      merged({transfers_document(status), transfers_document(further)}), false);
  CHECK(contains(cut->text, "change 5 is cut over; 0 of 5 partitions ready"));
  CHECK(contains(cut->text, "past the point"));
  CHECK_FALSE(contains(cut->text, "abort 5"));
  const auto none = admin_tool::transfers_view(merged({transfers_document(status_of())}), false);
  CHECK(none->text == "no change is under way: every partition is with its owners\n");
  for (const char* wrong : {"", "{}", R"({"nodes":[{}],"silent":[]})"}) {
    CHECK(admin_tool::transfers_view(wrong, false).error().code == ErrorCode::corrupt);
  }
}

TEST_CASE("many streams are shortened, and all are there for who asks") {
  auto status = with_streams();
  status.shards[0].streams.streams.clear();
  status.shards[1].streams.streams.clear();
  for (std::uint32_t p = 0; p < 40; ++p) {
    status.shards[0].streams.streams.push_back(stream(p, Phase::streaming));
  }
  const auto view = admin_tool::transfers_view(merged({transfers_document(status)}), false);
  CHECK(contains(view->text, "and 28 more streams; all: cluster-admin transfers --all"));
}

TEST_CASE("metrics tell of changes and streams") {
  const auto text = metrics_text(with_streams(), Verdict{});
  CHECK(contains(text, "coterie_changes{stage=\"open\"} 1\n"));
  CHECK(contains(text, "coterie_change_partitions_waiting 3\n"));
  CHECK(contains(text, "coterie_streams{shard=\"0\",phase=\"covered\"} 1\n"));
  CHECK(contains(text, "coterie_streams{shard=\"1\",phase=\"held\"} 1\n"));
  CHECK(contains(text, "coterie_stream_failures_total{shard=\"1\"} 4\n"));
}

}  // namespace coterie::transfers_test
