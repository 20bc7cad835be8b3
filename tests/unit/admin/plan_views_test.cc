#include "client/admin_tool/plan_views.h"

#include <doctest/doctest.h>

#include <memory>

#include <nlohmann/json.hpp>

#include "client/admin_tool/removal.h"
#include "node/admin/change_documents.h"
#include "node/admin/documents.h"
#include "tests/unit/admin/samples.h"

using namespace coterie;
using namespace coterie::admin_tool;
using namespace coterie::admin_samples;
using Json = nlohmann::ordered_json;

namespace {

/// The node that is about to join three.
Member newcomer() {
  return {.id = node_id(4), .zone = "d", .weight = 1, .address = "127.0.0.1:7042"};
}

topology::Answer answer_of(std::vector<plan::StagedChange> staged, const plan::PlanFacts& facts,
                           std::size_t nodes = 3) {
  topology::Answer out{.epoch = epoch_of(nodes), .staged = std::move(staged)};
  auto plan = plan::make_plan(*out.epoch, out.staged, {});
  REQUIRE_MESSAGE(plan.has_value(), (plan ? "" : plan.error().message));
  out.report = plan::report_of(*out.epoch, *plan, facts);
  plan->hash = 0x5e12ab0934cd77ef;
  out.plan = *std::move(plan);
  return out;
}

plan::PlanFacts facts() {
  plan::PlanFacts out{.partition_bytes = std::vector<std::uint64_t>(64, 10'000'000),
                      .bytes_a_second = 2'000'000};
  for (std::uint64_t i = 1; i <= 4; ++i) out.free_bytes[node_id(i)] = 5'000'000'000;
  return out;
}

std::string document(const topology::Answer& answer) {
  return admin::changes_document(node_id(1), answer);
}

bool contains(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

}  // namespace

TEST_CASE("a plan as a document has every number of the report") {
  const auto answer = answer_of({plan::Join{newcomer()}}, facts());
  const auto json = Json::parse(document(answer));
  CHECK(json["format"] == 1);
  CHECK(json["staged"][0]["what"] == "join");
  CHECK(json["staged"][0]["nodes"][0] == to_hex(node_id(4)));
  const auto& plan = json["plan"];
  CHECK(plan["hash"] == "5e12ab0934cd77ef");
  CHECK(plan["bytes"] == answer.report.bytes);
  CHECK(plan["nodes"].size() == 4);
  CHECK(plan["nodes"][3]["gained"] == 48);
  CHECK(plan["nodes"][3]["bytes_needed"] == 480'000'000);
  CHECK(plan["pairs"].size() == 3);
  CHECK(plan["steps"].size() == 5);
  CHECK(plan["problems"].empty());
}

TEST_CASE("a plan for people ends with what to type next") {
  const auto view = plan_view(document(answer_of({plan::Join{newcomer()}}, facts())), {});
  REQUIRE(view);
  CHECK(view->is_well);
  CHECK(view->text.starts_with(R"(plan 5e12ab0934cd77ef for epoch 1.1, staged at node 11111111:
  join 44444444 (zone d, weight 1, 127.0.0.1:7042)

node      zone  parts  after  gets  gives   share   after  needs disk      has
11111111  a        64     48          -16  33.3 %  25.0 %              5.00 GB
22222222  b        64     48          -16  33.3 %  25.0 %              5.00 GB
33333333  c        64     48          -16  33.3 %  25.0 %              5.00 GB
44444444  d         0     48   +48          0.0 %  25.0 %      480 MB  5.00 GB  joins

from      to        parts   bytes
11111111  44444444     16  160 MB
22222222  44444444     16  160 MB
33333333  44444444     16  160 MB

)"));
  const std::string rest = view->text.substr(view->text.find("160 MB\n\n") + 8);
  CAPTURE(rest);
  CHECK(contains(rest, "change owners\nto move: 48 copies, 480 MB, about 4 min\n"));
  CHECK(contains(rest, "fullest node: 1.000 of its fair share now, 1.000 after\n"));
  CHECK(contains(rest, "partitions in too few zones: 0 now, 0 after\n"));
  CHECK(contains(rest,
                 "quorums hold at every step (before, open, cut-over, finished, aborting),\n"
                 "  and any 1 node may fail at each\n"));
  CHECK(rest.ends_with("\nto begin it: cluster-admin commit 5e12ab0934cd77ef\n"));
  const auto again = plan_view(document(answer_of({plan::Join{newcomer()}}, facts())),
                               {.again = " --node 10.0.0.1:7403"});
  CHECK(again->text.ends_with("commit 5e12ab0934cd77ef --node 10.0.0.1:7403\n"));
}

TEST_CASE("a plan that is begun at once leaves nothing to be typed") {
  const auto json = document(answer_of({plan::Join{newcomer()}}, facts()));
  CHECK_FALSE(contains(plan_view(json, {.is_begun_now = true})->text, "cluster-admin commit"));
}

TEST_CASE("a plan with problems says them, and that it is refused") {
  auto tight = facts();
  tight.free_bytes[node_id(4)] = 1000;
  tight.unreachable = {node_id(1)};
  const auto view = plan_view(document(answer_of({plan::Join{newcomer()}}, tight)), {});
  REQUIRE(view);
  CHECK_FALSE(view->is_well);
  CHECK(contains(view->text, "problem: node 44444444 needs"));
  CHECK(contains(view->text,
                 "it is refused as it stands; in spite of all that: cluster-admin "
                 "commit 5e12ab0934cd77ef --force\n"));
  // Two of three away: quorums are not kept, and a table says where.
  tight.unreachable = {node_id(1), node_id(2)};
  const auto worse = plan_view(document(answer_of({plan::Join{newcomer()}}, tight)), {});
  CHECK(contains(worse->text, "NOT KEPT"));
  CHECK(contains(worse->text, "no writes"));
}

TEST_CASE("no data moves: that is said, and the quorums are those of now") {
  const auto view =
      plan_view(document(answer_of({plan::Rezone{.node = node_id(2), .zone = "x"}}, facts())), {});
  CHECK(contains(view->text, "no partition gets other owners: no data moves\n"));
  CHECK(contains(view->text, "quorums hold, and any 1 node may fail\n"));
}

TEST_CASE("beside a change under way: it counts as ended, and what it keeps for later is said") {
  // The weight is raised beside a join: what that one brings the newcomer cannot move on yet.
  auto answer =
      answer_of({plan::Join{{.id = node_id(10), .zone = "b", .address = "127.0.0.1:9"}}}, {}, 9);
  answer.epoch = std::make_shared<const Epoch>(answer.plan->next);
  answer.staged = {plan::Weigh{.node = node_id(2), .weight = 4}};
  auto plan = plan::make_plan(*answer.epoch, answer.staged, {});
  REQUIRE_MESSAGE(plan.has_value(), (plan ? "" : plan.error().message));
  answer.report = plan::report_of(*answer.epoch, *plan, {});
  answer.plan = *std::move(plan);
  answer.changes = {{.change = 2, .stage = Stage::open, .missing = {}}};
  answer.begun = 3;
  const auto json = Json::parse(document(answer));
  CHECK(json["begun"] == 3);
  CHECK(json["plan"]["left_for_later"] == answer.plan->left_for_later);
  const auto view = plan_view(document(answer), {});
  CHECK(contains(view->text, "weight of 22222222 to 4\nbeside change 2 (open), which counts here"));
  REQUIRE(answer.plan->left_for_later > 1);
  CHECK(contains(view->text, std::to_string(answer.plan->left_for_later) +
                                 " more copies are where what is under way keeps them; once"));
}

TEST_CASE("nothing staged, no plan of what is staged, and what was dropped") {
  topology::Answer answer{.epoch = epoch_of(3)};
  const auto nothing = plan_view(document(answer), {});
  CHECK(nothing->is_well);
  CHECK(nothing->text.starts_with("nothing is staged at node 11111111\n"));
  answer.staged = {plan::Leave{.node = node_id(2)}};
  answer.why_no_plan = "a change is under way: " + to_hex(node_id(3)) + " fills";
  answer.changes = {{.change = 5, .stage = Stage::open, .missing = {}}};
  answer.dropped = {"leave " + to_hex(node_id(3)) + ": it is no member any more"};
  const auto none = plan_view(document(answer), {});
  CHECK_FALSE(none->is_well);
  CHECK(contains(none->text, "  leave 22222222\n"));
  CHECK(contains(none->text, "no plan: a change is under way: 33333333 fills\n"));
  CHECK(contains(none->text, "not staged any more: leave 33333333: it is no member any more\n"));
  CHECK(contains(none->text, "change 5 is under way (open)"));
  const auto staged = staged_view(document(answer), {});
  CHECK(staged->text.starts_with("staged at node 11111111, not begun:\n  leave 22222222\n"));
  CHECK(staged->text.ends_with("what it would do: cluster-admin plan\n"));
  for (const char* wrong : {"", "{}", "[]"}) {
    CHECK(plan_view(wrong, {}).error().code == ErrorCode::corrupt);
    CHECK(staged_view(wrong, {}).error().code == ErrorCode::corrupt);
  }
}

TEST_CASE("many pairs of nodes are shortened") {
  std::vector<plan::StagedChange> joins;
  for (std::uint64_t i = 4; i <= 9; ++i) {
    auto member = newcomer();
    member.id = node_id(i);
    member.address = "127.0.0.1:" + std::to_string(7002 + 10 * i);
    joins.emplace_back(plan::Join{std::move(member)});
  }
  const auto answer = answer_of(std::move(joins), facts());
  REQUIRE(answer.report.pairs.size() > 16);
  const auto pairs = std::to_string(answer.report.pairs.size() - 16);
  CHECK(contains(plan_view(document(answer), {})->text,
                 "and " + pairs + " more pairs; all: cluster-admin plan --all\n"));
  CHECK_FALSE(contains(plan_view(document(answer), {.with_all = true})->text, "more pair"));
}

TEST_CASE("whole ids are cut, other digits are not") {
  CHECK(with_short_ids("node " + to_hex(node_id(1)) + ", x") == "node 11111111, x");
  CHECK(with_short_ids(to_hex(node_id(1))) == "11111111");
  CHECK(with_short_ids("0123456789abcdef") == "0123456789abcdef");
  CHECK(with_short_ids(std::string(40, 'a')) == std::string(40, 'a'));
}

TEST_CASE("what goes with a dead node is spelled out") {
  auto status = status_of();
  see(status, 3, wire::Liveness::dead);
  const auto text_of = [&status] {
    const auto seen =
        admin::status_document(status, admin::judge(admin::facts_of(status)), WallTime{});
    const auto text =
        removal_text(seen, admin::ring_document(status, std::nullopt), to_hex(node_id(3)));
    REQUIRE(text);
    return *text;
  };
  CHECK(text_of() ==
        R"(To remove node 33333333 (zone c) is to take it for dead, for good. With it go:
  - its copies of 64 partitions; others get them, from the owners that are left
  - the hints that it keeps for others
No acknowledged write goes: each is held by an owner who is alive.
It must never be started again with its data directory: it would be refused.
If it may come back, wait for it instead.
)");
  see(status, 2, wire::Liveness::dead);
  CHECK(contains(text_of(), "acknowledged writes, in up to 64 partitions"));
  CHECK(contains(text_of(), "(bucket default, w=2). They are LOST."));
  CHECK(removal_text("{}", "{}", "x").error().code == ErrorCode::corrupt);
}
