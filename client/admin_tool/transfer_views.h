#pragma once

#include <string>
#include <vector>

#include "client/admin_tool/fetch.h"
#include "client/admin_tool/views.h"

/// What nodes send each other so that every owner holds what it should, as several nodes tell it.
/// Pure.
namespace coterie::admin_tool {

/// What a node answered.
struct NodeAnswer {
  std::string id;
  Result<Fetched> answer;
};

/// {"format": 1, "nodes": the documents of those that answered, "silent": who did not, and why}.
[[nodiscard]] std::string merge_answers(const std::vector<NodeAnswer>& answers);
/// A line for each of those that did not.
[[nodiscard]] std::string silent_text(const std::string& merged, bool use_color);

/// /v1/handoff of several nodes.
[[nodiscard]] Result<Rendered> handoff_view(const std::string& merged, bool use_color);

}  // namespace coterie::admin_tool
