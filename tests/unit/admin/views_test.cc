#include <doctest/doctest.h>

#include <memory>
#include <optional>
#include <string>

#include "client/admin_tool/bucket_commands.h"
#include "client/admin_tool/status_merge.h"
#include "client/admin_tool/views.h"
#include "node/admin/documents.h"
#include "node/admin/explain.h"
#include "storage/record.h"
#include "tests/unit/admin/samples.h"
#include "tests/unit/node/changes.h"

namespace coterie::views_test {

using namespace coterie::admin_tool;
using namespace coterie::admin_samples;

namespace {

const WallTime noon{std::chrono::milliseconds(1700000000000)};

std::string document(const NodeStatus& status) {
  return admin::status_document(status, admin::judge(admin::facts_of(status)), noon);
}

bool contains(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

}  // namespace

TEST_CASE("status: the verdict is the first line, then the cluster, then the nodes") {
  const auto well = status_view(document(status_of()), false);
  REQUIRE(well);
  CHECK(well->is_well);
  CHECK(well->text ==
        R"(all is well: any 1 node may fail

cluster coterie, epoch 1.1 (all agree), 3 copies, quorum 2
partitions: 64 full, 0 short of a copy, 0 without quorum
may fail next with every quorum kept: any 1 node, any 1 zone

node       zone  clients at      state  parts  records     disk  memory  get p99  put p99  queue  hints  skew   up
11111111*  a     127.0.0.1:7010  alive     64    2,000  2.10 MB     0 B  2.00 ms  3.00 ms      0      0     -  5 h
22222222   b     127.0.0.1:7020  alive     64        -        -       -        -        -      -      -     -    -
33333333   c     127.0.0.1:7030  alive     64        -        -       -        -        -      -      -     -    -
)");
}

TEST_CASE("status: several problems are listed, the states are words, color is asked for") {
  auto status = status_of();
  see(status, 2, wire::Liveness::dead);
  see(status, 3, wire::Liveness::left);
  const auto plain = status_view(document(status), false);
  REQUIRE(plain);
  CHECK_FALSE(plain->is_well);
  CHECK(plain->text.starts_with("critical: node 22222222 (zone b) is dead; "));
  CHECK(contains(plain->text, "\n  - node 33333333 (zone c) was stopped; "));
  CHECK(contains(plain->text, "  dead     "));
  CHECK(contains(plain->text, "  stopped  "));
  CHECK_FALSE(contains(plain->text, "\033"));
  const auto colored = status_view(document(status), true);
  CHECK(contains(colored->text, "\033[1;31mdead\033[0m"));
}

TEST_CASE("status: doors that could not be asked, and other builds, are shown") {
  auto status = status_of();
  auto view = std::make_shared<RingView>(*status.view);
  view->peers[1].meta.build = "0.2.0";
  status.view = view;
  const auto merged =
      merge_status({.status = 200, .body = document(status), .at = noon},
                   {{to_hex(node_id(3)), fail(ErrorCode::unavailable, "nothing listens there")}});
  REQUIRE(merged);
  const auto text = status_view(*merged, false)->text;
  CHECK(contains(text, "build"));
  CHECK(contains(text,
                 "no figures of 33333333: its admin door 127.0.0.1:7033 could not be asked: "
                 "nothing listens there"));
}

TEST_CASE("status while the cluster forms") {
  auto status = status_of();
  status.view = nullptr;
  status.shards.clear();
  status.blockers = {"the cluster is forming: 127.0.0.1:7022 does not answer"};
  const auto forming = status_view(document(status), false);
  REQUIRE(forming);
  CHECK_FALSE(forming->is_well);
  CHECK(forming->text.starts_with("the cluster is forming: 127.0.0.1:7022 does not"));
  CHECK(contains(forming->text, "no epoch yet"));
}

TEST_CASE("members, ring and config as text") {
  const auto status = status_of();
  const auto members = members_view(admin::members_document(status), false);
  REQUIRE(members);
  CHECK(contains(members->text, "127.0.0.1:7033"));
  const auto ring = ring_view(admin::ring_document(status, PartitionId{1}), false);
  REQUIRE(ring);
  CHECK(contains(ring->text, "epoch 1.1, 64 partitions, 3 copies of each"));
  CHECK(contains(ring->text, "33.3 %"));
  CHECK(contains(ring->text, "0400000000000000"));
  const auto config = config_view(admin::config_document(status.config), false);
  REQUIRE(config);
  CHECK(contains(config->text, "cluster.partitions"));
  CHECK(contains(config->text, "[[bucket]]  name = \"default\""));
}

TEST_CASE("buckets as text") {
  const auto buckets = buckets_view(admin::ring_document(status_of(), PartitionId{0}), false);
  REQUIRE(buckets);
  CHECK(buckets->text == R"(bucket   r  w  sloppy  durability  resolver  expires after
default  2  2  no      commit      siblings          never
)");
  CHECK(buckets_view("{}", false).error().code == ErrorCode::corrupt);
}

TEST_CASE("explain as text: copies, dots and who is silent") {
  const auto status = status_of();
  const auto question = *admin::read_question(
      {.path = "", .parameters = {{"key", "k\x01"}, {"sort_key", "s"}}}, *status.view->epoch);
  Record record;
  const Dot dot{.actor = ActorId{0xaa}, .sequence = 3};
  record.context.add(dot);
  record.siblings.push_back({.dot = dot, .value = "hello"});
  LocalCopies::Inspected found{.record = encode_record(question.key, record),
                               .digest = digest(record)};
  const std::vector<Inspection> owners = {
      {node_id(1), found}, {node_id(2), found}, {node_id(3), fail(ErrorCode::unavailable, "gone")}};
  const auto text = explain_view(admin::explain_document(status, question, owners, noon), false);
  REQUIRE(text);
  CHECK(text->text.starts_with("2 of 3 owners answered and hold the same version\n"));
  CHECK(contains(text->text, "key \"k\\u0001\", sort key \"s\""));
  CHECK(contains(text->text, "A:3"));
  CHECK(contains(text->text, "no answer: gone"));
  CHECK(contains(text->text, "actors: A = 00000000000000aa"));
  CHECK(contains(text->text, "5 B"));
  CHECK_FALSE(contains(text->text, "its owners change"));
}

TEST_CASE("ring and explain tell of a partition that gets new owners") {
  auto status = status_of();
  auto view = std::make_shared<RingView>(*status.view);
  const auto before = epoch_of(4, {"a", "b", "c", "d"});
  NodeId to;
  for (const auto& member : before->members()) {
    if (!before->owns(member.id, PartitionId{0})) to = member.id;
  }
  view->epoch = opened(before, PartitionId{0}, before->owners(PartitionId{0})[0], to);
  status.view = view;
  const auto ring = ring_view(admin::ring_document(status, PartitionId{0}), false);
  REQUIRE(ring);
  CHECK(contains(ring->text, "  stage  new owners\n"));
  CHECK(contains(ring->text, "  open   " + short_name(to)));
  const auto stable = ring_view(admin::ring_document(status, PartitionId{1}), false);
  CHECK_FALSE(contains(stable->text, "new owners"));
  std::optional<admin::Question> question;
  for (int i = 0; !question || question->partition != PartitionId{0}; ++i) {
    question = *admin::read_question({.path = "", .parameters = {{"key", std::to_string(i)}}},
                                     *view->epoch);
  }
  const auto text = explain_view(admin::explain_document(status, *question, {}, noon), false);
  REQUIRE(text);
  CHECK(contains(text->text,
                 "its owners change (open); new ones, which may lack it yet: " + short_name(to)));
}

TEST_CASE("what is no such document is refused, and errors are read") {
  for (const auto view : {status_view, members_view, ring_view, explain_view, config_view}) {
    CHECK_FALSE(view("", false).has_value());
    CHECK_FALSE(view("{}", false).has_value());
    CHECK_FALSE(view("[1]", false).has_value());
  }
  CHECK(error_text(admin::error_document({.code = ErrorCode::unavailable, .message = "later"})) ==
        "later");
  CHECK(error_text("<html>") == "<html>");
  CHECK(error_text("[]") == "[]");
}

}  // namespace coterie::views_test
