#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace coterie::admin_tool {

enum class Color : std::uint8_t { none, good, warning, bad, faint };

/// Text in a color, or as it is where the output is no terminal.
[[nodiscard]] std::string painted(const std::string& text, Color color, bool use_color);

struct Cell {
  std::string text;
  Color color = Color::none;
};

/// Rows under headings, columns aligned; numbers to the right.
class Table {
 public:
  struct Column {
    std::string heading;
    bool is_number = false;
  };
  explicit Table(std::vector<Column> columns) : columns_(std::move(columns)) {}
  /// As many cells as columns.
  void add(std::vector<Cell> row) { rows_.push_back(std::move(row)); }
  /// Every line ends with a newline; none ends with blanks. Columns without any text are left out.
  [[nodiscard]] std::string text(bool use_color) const;

 private:
  std::vector<Column> columns_;
  std::vector<std::vector<Cell>> rows_;
};

/// "117,659".
[[nodiscard]] std::string with_commas(std::uint64_t number);
/// "1 partition", "1,024 partitions".
[[nodiscard]] std::string partitions_text(std::uint64_t count);
/// "33.6 MB", at most three digits before the point.
[[nodiscard]] std::string bytes_text(std::uint64_t bytes);
/// "0.42 ms", "13 ms", "2.1 s".
[[nodiscard]] std::string milliseconds_text(double ms);
/// "12 s", "5 min", "3 h", "12 d".
[[nodiscard]] std::string seconds_text(std::uint64_t seconds);

}  // namespace coterie::admin_tool
