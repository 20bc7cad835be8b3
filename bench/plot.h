#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace coterie::bench {

struct Axis {
  std::string title;  // with the unit
  bool is_log = false;
};

/// A place on an axis that carries a number.
struct Tick {
  double at = 0;
  std::string text;
};

struct Series {
  std::string name;
  /// Which of the page's colors, from 0; the same system has the same one in every plot.
  std::size_t color = 0;
  struct Point {
    double x = 0;
    double y = 0;
    std::string note;  // shown where the pointer rests; empty: the two numbers
  };
  std::vector<Point> points;
};

struct LinePlot {
  Axis x;
  Axis y;
  std::vector<Series> series;
  /// Those of x, where they are not to be chosen from its values.
  std::vector<Tick> x_ticks;
};

struct Bar {
  std::string name;
  std::size_t color = 0;
  double value = 0;
  /// Where figures of several rounds lie.
  double least = 0;
  double most = 0;
  bool is_doubtful = false;
};

struct BarPlot {
  std::string unit;
  std::vector<Bar> bars;
};

/// SVG, colors by the classes of page_of(). Points at or below zero are left out of logarithmic
/// axes; a plot without any point says so.
[[nodiscard]] std::string svg_of(const LinePlot& plot);
[[nodiscard]] std::string svg_of(const BarPlot& plot);

/// Round numbers that cover the range, at least two.
[[nodiscard]] std::vector<Tick> ticks_of(double least, double most, bool is_log);
/// 1234567 as 1.23M, 0.0123 as 0.0123.
[[nodiscard]] std::string short_number(double number);
/// Text within HTML or SVG.
[[nodiscard]] std::string escaped(std::string_view text);

/// The contents of a file with that SVG alone.
[[nodiscard]] std::string file_of(const std::string& svg);

struct Figure {
  std::string title;
  std::string explanation;
  std::string svg;
};

/// One HTML page that needs nothing else, light or dark as the reader's system is. `intro` and
/// `tables` are HTML already.
[[nodiscard]] std::string page_of(const std::string& title, const std::string& intro,
                                  const std::vector<Figure>& figures, const std::string& tables);

}  // namespace coterie::bench
