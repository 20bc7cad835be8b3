#pragma once

#include <string>

#include "base/error.h"

/// The admin door's JSON documents as text for people. Pure. Errors: corrupt (not such a document).
namespace coterie::admin_tool {

struct Rendered {
  std::string text;
  /// Of a status: the verdict is that all is well. Of the others always true.
  bool is_well = true;
};

[[nodiscard]] Result<Rendered> status_view(const std::string& document, bool use_color);
[[nodiscard]] Result<Rendered> members_view(const std::string& document, bool use_color);
[[nodiscard]] Result<Rendered> ring_view(const std::string& document, bool use_color);
[[nodiscard]] Result<Rendered> explain_view(const std::string& document, bool use_color);
[[nodiscard]] Result<Rendered> config_view(const std::string& document, bool use_color);

/// The words of an error document; `document` as it is if it is something else.
[[nodiscard]] std::string error_text(const std::string& document);

}  // namespace coterie::admin_tool
