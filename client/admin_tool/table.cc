#include "client/admin_tool/table.h"

#include <algorithm>
#include <array>
#include <cstdio>
#include <string_view>

#include "base/check.h"

namespace coterie::admin_tool {
namespace {

const char* escape_of(Color color) {
  switch (color) {
    case Color::good:
      return "\033[32m";
    case Color::warning:
      return "\033[33m";
    case Color::bad:
      return "\033[1;31m";
    case Color::faint:
      return "\033[2m";
    case Color::none:
      break;
  }
  return "";
}

/// Characters as a terminal counts them, near enough: UTF-8's continuation bytes take no room.
std::size_t width_of(std::string_view text) {
  return static_cast<std::size_t>(std::ranges::count_if(
      text, [](char c) { return (static_cast<unsigned char>(c) & 0xC0) != 0x80; }));
}

std::string fixed(double value, int digits) {
  std::array<char, 64> text{};
  (void)std::snprintf(text.data(), text.size(), "%.*f", digits, value);
  return text.data();
}

/// Three significant digits or so.
std::string brief(double value) {
  if (value < 9.995) return fixed(value, 2);
  return fixed(value, value < 99.95 ? 1 : 0);
}

}  // namespace

std::string painted(const std::string& text, Color color, bool use_color) {
  if (!use_color || color == Color::none || text.empty()) return text;
  return escape_of(color) + text + "\033[0m";
}

std::string Table::text(bool use_color) const {
  std::vector<std::size_t> widths(columns_.size(), 0);
  for (const auto& row : rows_) {
    check(row.size() == columns_.size(), "a row has a cell for each column");
    for (std::size_t i = 0; i < row.size(); ++i) {
      widths[i] = std::max(widths[i], width_of(row[i].text));
    }
  }
  std::string out;
  const auto write = [&](const std::vector<Cell>& row) {
    std::string line;
    std::size_t owed = 0;  // blanks, written only before text that follows
    for (std::size_t i = 0; i < row.size(); ++i) {
      if (widths[i] == 0) continue;
      const std::size_t width = std::max(widths[i], width_of(columns_[i].heading));
      const std::size_t room = width - width_of(row[i].text);
      const std::size_t before = columns_[i].is_number ? room : 0;
      owed += before;
      if (!row[i].text.empty()) {
        line += std::string(owed, ' ') + painted(row[i].text, row[i].color, use_color);
        owed = 0;
      }
      owed += (row[i].text.empty() ? width - before : room - before) + 2;
    }
    out += line + "\n";
  };
  std::vector<Cell> headings;
  for (const auto& column : columns_) headings.push_back({column.heading, Color::faint});
  write(headings);
  for (const auto& row : rows_) write(row);
  return out;
}

std::string with_commas(std::uint64_t number) {
  std::string out = std::to_string(number);
  for (std::size_t i = out.size(); i > 3; i -= 3) out.insert(i - 3, ",");
  return out;
}

std::string partitions_text(std::uint64_t count) {
  return with_commas(count) + " partition" + (count == 1 ? "" : "s");
}

std::string bytes_text(std::uint64_t bytes) {
  static constexpr std::array<const char*, 5> units = {"kB", "MB", "GB", "TB", "PB"};
  if (bytes < 1000) return std::to_string(bytes) + " B";
  double value = static_cast<double>(bytes) / 1000;
  std::size_t unit = 0;
  while (value >= 999.5 && unit + 1 < units.size()) {
    value /= 1000;
    ++unit;
  }
  return brief(value) + " " + units[unit];
}

std::string milliseconds_text(double ms) {
  return ms < 999.5 ? brief(ms) + " ms" : brief(ms / 1000) + " s";
}

std::string seconds_text(std::uint64_t seconds) {
  if (seconds < 120) return std::to_string(seconds) + " s";
  if (seconds < 120 * 60) return std::to_string(seconds / 60) + " min";
  if (seconds < 48 * 3600) return std::to_string(seconds / 3600) + " h";
  return std::to_string(seconds / 86400) + " d";
}

}  // namespace coterie::admin_tool
