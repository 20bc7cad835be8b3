#include "node/admin/routes.h"

#include <charconv>
#include <chrono>
#include <optional>
#include <string_view>
#include <utility>

#include "node/admin/change_documents.h"
#include "node/admin/changes_admin.h"
#include "node/admin/documents.h"
#include "node/admin/explain.h"
#include "node/admin/facts.h"
#include "node/admin/handoff_admin.h"
#include "node/admin/metrics.h"
#include "node/admin/repair_admin.h"
#include "node/admin/scrub_admin.h"
#include "node/admin/verdict.h"

namespace coterie::admin {
namespace {

WallTime wall_now() {
  return std::chrono::floor<std::chrono::milliseconds>(std::chrono::system_clock::now());
}

int status_for(ErrorCode code) {
  switch (code) {
    case ErrorCode::invalid_argument:
    case ErrorCode::too_large:
      return 400;
    case ErrorCode::not_found:
    case ErrorCode::unknown_bucket:
      return 404;
    case ErrorCode::refused:
      return 409;
    case ErrorCode::unavailable:
    case ErrorCode::overloaded:
      return 503;
    default:
      return 500;
  }
}

HttpAnswer refusal(const Error& error) {
  return {.status = status_for(error.code), .body = error_document(error)};
}

Error forming(const NodeStatus& status) {
  return {.code = ErrorCode::unavailable,
          .message = status.blockers.empty()
                         ? std::string("the cluster is forming: it will be ready in a moment")
                         : status.blockers.front()};
}

/// Why the node cannot serve; nothing if it can.
std::optional<Error> not_ready(const NodeStatus& status) {
  if (status.view == nullptr) return forming(status);
  if (status.view->epoch->member(status.node) == nullptr) {
    return Error{.code = ErrorCode::unavailable,
                 .message = status.blockers.empty() ? std::string("this node is no member")
                                                    : status.blockers.front()};
  }
  if (status.shards.size() < status.shards_total) {
    return Error{.code = ErrorCode::unavailable,
                 .message = std::to_string(status.shards_total - status.shards.size()) + " of " +
                            std::to_string(status.shards_total) +
                            " shards do not answer: they recover, or are overloaded"};
  }
  for (const auto& shard : status.shards) {
    if (shard.store.state != StoreState::stopped) continue;
    return Error{.code = ErrorCode::unavailable,
                 .message = "shard " + std::to_string(shard.shard.value) +
                            " has stopped: " + shard.store.reason};
  }
  return std::nullopt;
}

HttpAnswer health(const NodeStatus& status, const HttpRequest&, const Source&) {
  if (const auto error = not_ready(status)) return refusal(*error);
  return {.body = health_document(status)};
}

HttpAnswer metrics(const NodeStatus& status, const HttpRequest&, const Source&) {
  return {.content_type = "text/plain; version=0.0.4; charset=utf-8",
          .body = metrics_text(status, judge(facts_of(status)))};
}

HttpAnswer status(const NodeStatus& status, const HttpRequest&, const Source&) {
  return {.body = status_document(status, judge(facts_of(status)), wall_now())};
}

HttpAnswer members(const NodeStatus& status, const HttpRequest&, const Source&) {
  return {.body = members_document(status)};
}

HttpAnswer ring(const NodeStatus& status, const HttpRequest& request, const Source&) {
  if (status.view == nullptr) return refusal(forming(status));
  const auto asked = request.parameters.find("partition");
  if (asked == request.parameters.end()) return {.body = ring_document(status, std::nullopt)};
  const std::string& text = asked->second;
  const std::uint32_t partitions = status.view->epoch->partitions();
  std::uint32_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc{} || end != text.data() + text.size() || number >= partitions) {
    return refusal(
        {.code = ErrorCode::invalid_argument,
         .message = "partition should be a number from 0 to " + std::to_string(partitions - 1)});
  }
  return {.body = ring_document(status, PartitionId{number})};
}

/// Only JSON, which a page in a browser cannot send here without asking first.
std::optional<Error> bad_post(const HttpRequest& request) {
  if (request.content_type.starts_with("application/json")) return std::nullopt;
  return Error{.code = ErrorCode::invalid_argument,
               .message = "a POST's body should be JSON, with Content-Type: application/json"};
}

HttpAnswer config(const NodeStatus& status, const HttpRequest&, const Source&) {
  return {.body = config_document(status.config)};
}

HttpAnswer explain(const NodeStatus& status, const HttpRequest& request, const Source& source) {
  if (status.view == nullptr) return refusal(forming(status));
  const auto question = read_question(request, *status.view->epoch);
  if (!question) return refusal(question.error());
  auto answers = source.inspect(question->partition, question->key);
  if (!answers) return refusal(answers.error());
  return {.body = explain_document(status, *question, *answers, wall_now())};
}

HttpAnswer handoff(const NodeStatus& status, const HttpRequest&, const Source&) {
  return {.body = handoff_document(status, wall_now())};
}

HttpAnswer answer_of(Result<std::string> document) {
  if (!document) return refusal(document.error());
  return {.body = *std::move(document)};
}

HttpAnswer order_handoff(const NodeStatus&, const HttpRequest& request, const Source& source) {
  return answer_of(act_on_handoff(request, source));
}

HttpAnswer repair(const NodeStatus& status, const HttpRequest&, const Source&) {
  return {.body = repair_document(status, wall_now())};
}

HttpAnswer order_repair(const NodeStatus& status, const HttpRequest& request,
                        const Source& source) {
  if (status.view == nullptr) return refusal(forming(status));
  return answer_of(act_on_repair(status, request, source));
}

HttpAnswer scrub(const NodeStatus& status, const HttpRequest&, const Source&) {
  return {.body = scrub_document(status, wall_now())};
}

HttpAnswer order_scrub(const NodeStatus&, const HttpRequest& request, const Source& source) {
  return answer_of(act_on_scrub(request, source));
}

HttpAnswer transfers(const NodeStatus& status, const HttpRequest&, const Source&) {
  return {.body = transfers_document(status)};
}

HttpAnswer changes(const NodeStatus& status, const HttpRequest&, const Source& source) {
  if (status.view == nullptr) return refusal(forming(status));
  return answer_of(look_at_changes(status, source));
}

HttpAnswer order_changes(const NodeStatus& status, const HttpRequest& request,
                         const Source& source) {
  if (status.view == nullptr) return refusal(forming(status));
  return answer_of(act_on_changes(status, request, source));
}

HttpAnswer no_get(const NodeStatus&, const HttpRequest& request, const Source&) {
  auto answer =
      refusal({.code = ErrorCode::invalid_argument, .message = request.path + " takes POST only"});
  answer.status = 405;
  return answer;
}

HttpAnswer order_drain(const NodeStatus& status, const HttpRequest& request, const Source& source) {
  if (status.view == nullptr) return refusal(forming(status));
  return answer_of(drain(status, request, source));
}

struct Route {
  std::string_view path;
  std::string_view meaning;
  HttpAnswer (*answer)(const NodeStatus&, const HttpRequest&, const Source&);
  /// Of a POST; none: the path takes GET only.
  HttpAnswer (*act)(const NodeStatus&, const HttpRequest&, const Source&) = nullptr;
};

constexpr Route all_routes[] = {
    {"/healthz", "200 when this node serves, else 503 and why", health},
    {"/metrics", "figures in Prometheus' text form", metrics},
    {"/v1/status", "the cluster as this node sees it, verdict first", status},
    {"/v1/members", "the nodes", members},
    {"/v1/ring", "who owns what; ?partition=NUMBER for one", ring},
    {"/v1/explain", "where a record stands; ?key=TEXT or key_base64=, bucket=, sort_key=", explain},
    {"/v1/handoff", "hints for owners that missed writes; POST: pause, resume, cancel", handoff,
     order_handoff},
    {"/v1/repair", "anti-entropy; POST: repair, verify, cancel, pause, resume", repair,
     order_repair},
    {"/v1/scrub", "the walk over all records on disk; POST: scrub, cancel", scrub, order_scrub},
    {"/v1/changes",
     "what is staged, its plan, and changes of owners; POST: stage, unstage, clear, commit, abort, "
     "pause, resume, create_bucket, set_bucket, force_lineage",
     changes, order_changes},
    {"/v1/drain", "POST: stops this node cleanly", no_get, order_drain},
    {"/v1/transfers", "changes of owners, and the streams into this node", transfers},
    {"/v1/config", "this node's settings", config},
};

HttpAnswer not_found(const std::string& path) {
  std::string there;
  for (const auto& route : all_routes) {
    there += (there.empty() ? "" : "; ") + std::string(route.path) + " (" +
             std::string(route.meaning) + ")";
  }
  return refusal(
      {.code = ErrorCode::not_found, .message = path + " is not here; there are: " + there});
}

HttpAnswer get_only(const std::string& path) {
  auto answer = refusal({.code = ErrorCode::invalid_argument, .message = path + " takes GET only"});
  answer.status = 405;
  return answer;
}

HttpAnswer respond(const Source& source, const HttpRequest& request) {
  for (const auto& route : all_routes) {
    if (route.path != request.path) continue;
    if (request.is_post && route.act == nullptr) return get_only(request.path);
    if (const auto wrong = bad_post(request); request.is_post && wrong) return refusal(*wrong);
    const auto known = source.status();
    if (!known) return refusal(known.error());
    return (request.is_post ? route.act : route.answer)(*known, request, source);
  }
  return not_found(request.path);
}

}  // namespace

HttpDoor::Handler routes(Source source) {
  return [source = std::move(source)](const HttpRequest& request) -> HttpAnswer {
    try {
      return respond(source, request);
    } catch (const std::exception& error) {
      return refusal({.code = ErrorCode::internal, .message = error.what()});
    }
  };
}

}  // namespace coterie::admin
