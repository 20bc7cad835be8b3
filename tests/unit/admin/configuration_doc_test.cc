#include <doctest/doctest.h>

#include <fstream>
#include <iterator>
#include <map>
#include <optional>
#include <regex>
#include <sstream>

#include "node/settings.h"

using namespace coterie;

namespace {

std::string read(const char* path) {
  std::ifstream file(path);
  REQUIRE(file);
  return {std::istreambuf_iterator<char>(file), {}};
}

/// The constants of base/limits.h, whose initializers are numbers, durations (here in ms) and names
/// of constants before them, with at most one operator.
class Limits {
 public:
  explicit Limits(std::string header) {
    header = std::regex_replace(header, std::regex("//[^\n]*"), "");
    const std::regex constant(R"(inline constexpr [\w:]+ (\w+) =\s*([^;]+);)");
    for (std::sregex_iterator at(header.begin(), header.end(), constant), end; at != end; ++at) {
      const std::string name = (*at)[1];
      const auto value = evaluate((*at)[2]);
      REQUIRE_MESSAGE(value, name, " = ", (*at)[2].str());
      values.emplace(name, *value);
    }
  }
  std::map<std::string, std::uint64_t> values;

 private:
  [[nodiscard]] std::optional<std::uint64_t> term(const std::string& text) const {
    static const std::regex number(R"(\s*(\d+)(ULL|U|ms|s|min|h)?\s*)");
    static const std::map<std::string, std::uint64_t> units = {
        {"ms", 1}, {"s", 1000}, {"min", 60'000}, {"h", 3'600'000}};
    std::smatch match;
    if (std::regex_match(text, match, number)) {
      const auto unit = units.find(match[2]);
      return std::stoull(match[1]) * (unit == units.end() ? 1 : unit->second);
    }
    const auto known = values.find(std::regex_replace(text, std::regex(R"(\s)"), ""));
    return known == values.end() ? std::nullopt : std::optional(known->second);
  }
  [[nodiscard]] std::optional<std::uint64_t> evaluate(const std::string& text) const {
    static const std::regex operation(R"(([^<*/+]+)(<<|\*|/|\+)([^<*/+]+))");
    std::smatch match;
    if (!std::regex_match(text, match, operation)) return term(text);
    const auto left = term(match[1]);
    const auto right = term(match[3]);
    if (!left || !right) return std::nullopt;
    if (match[2] == "<<") return *left << *right;
    if (match[2] == "*") return *left * *right;
    if (match[2] == "/") return *left / *right;
    return *left + *right;
  }
};

std::size_t occurrences(const std::string& text, const std::string& part) {
  std::size_t count = 0;
  for (auto at = text.find(part); at != std::string::npos; at = text.find(part, at + 1)) ++count;
  return count;
}

}  // namespace

TEST_CASE("docs/configuration.md has every setting as --print-settings prints it") {
  const std::string page = read(COTERIE_CONFIGURATION_DOCUMENT);
  std::istringstream lines(settings_table());
  std::string line;
  std::size_t rows = 0;
  while (std::getline(lines, line)) {
    CAPTURE(line);
    CHECK(page.find(line + "\n") != std::string::npos);
    if (line.starts_with("| `")) ++rows;
  }
  CHECK(rows == all_settings().size() + bucket_settings().size());
  // And none that there is not: rows of settings have a dot in their name.
  const std::regex row(R"(\n\| `\w+\.\w+` \|)");
  const auto found = std::distance(std::sregex_iterator(page.begin(), page.end(), row), {});
  CHECK(static_cast<std::size_t>(found) == rows);
}

TEST_CASE("docs/configuration.md has every limit with its value and its meaning") {
  const std::string page = read(COTERIE_CONFIGURATION_DOCUMENT);
  const Limits limits(read(COTERIE_LIMITS_HEADER));
  CHECK(limits.values.at("key_bytes") == 400);
  CHECK(limits.values.at("stored_key_bytes") == 414);
  CHECK(limits.values.at("overlay_age") == 5000);
  CHECK(limits.values.at("map_bytes_a_node") == std::uint64_t{1} << 40);
  CHECK(limits.values.size() == occurrences(read(COTERIE_LIMITS_HEADER), "\ninline constexpr "));
  const std::string table = page.substr(page.find("| limit | value |"));
  for (const auto& [name, value] : limits.values) {
    const std::regex row("\n\\| `" + name + "` \\| " + std::to_string(value) +
                         R"( \| [a-z]* \| [^|\n]{5,} \|\n)");
    INFO("base/limits.h has ", name, " = ", value,
         "; docs/configuration.md needs a row with that value");
    CHECK(std::regex_search(table, row));
  }
  CHECK(occurrences(table, "\n| `") == limits.values.size());
}
