#include <doctest/doctest.h>

#include "client/admin_tool/table.h"

using namespace coterie::admin_tool;

TEST_CASE("columns are aligned, numbers to the right, empty columns left out") {
  Table table({{"name"}, {"unused"}, {"count", true}, {"last"}});
  table.add({{"a"}, {}, {"1"}, {"x"}});
  table.add({{"bcdefg"}, {}, {"12,345"}, {}});
  CHECK(table.text(false) ==
        "name     count  last\n"
        "a            1  x\n"
        "bcdefg  12,345\n");
}

TEST_CASE("color surrounds the text only, and changes no width") {
  Table table({{"a"}, {"b"}});
  table.add({{"x", Color::good}, {"y", Color::bad}});
  CHECK(table.text(true) ==
        "\033[2ma\033[0m  \033[2mb\033[0m\n\033[32mx\033[0m  \033[1;31my\033[0m\n");
  CHECK(painted("x", Color::bad, false) == "x");
  CHECK(painted("", Color::bad, true).empty());
}

TEST_CASE("letters of several bytes count once") {
  Table table({{"zone"}, {"n", true}});
  table.add({{"Zürich"}, {"1"}});
  table.add({{"Genf"}, {"2"}});
  CHECK(table.text(false) == "zone    n\nZürich  1\nGenf    2\n");
}

TEST_CASE("numbers as people read them") {
  CHECK(with_commas(0) == "0");
  CHECK(with_commas(999) == "999");
  CHECK(with_commas(117659) == "117,659");
  CHECK(with_commas(1000000) == "1,000,000");
  CHECK(bytes_text(0) == "0 B");
  CHECK(bytes_text(999) == "999 B");
  CHECK(bytes_text(1000) == "1.00 kB");
  CHECK(bytes_text(999999) == "1.00 MB");
  CHECK(bytes_text(33579008) == "33.6 MB");
  CHECK(bytes_text(1ULL << 40) == "1.10 TB");
  CHECK(milliseconds_text(0.42) == "0.42 ms");
  CHECK(milliseconds_text(13.04) == "13.0 ms");
  CHECK(milliseconds_text(135.7) == "136 ms");
  CHECK(milliseconds_text(999.7) == "1.00 s");
  CHECK(seconds_text(12) == "12 s");
  CHECK(seconds_text(300) == "5 min");
  CHECK(seconds_text(3 * 3600) == "3 h");
  CHECK(seconds_text(12 * 86400) == "12 d");
}
