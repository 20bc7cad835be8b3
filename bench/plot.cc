#include "bench/plot.h"

#include <algorithm>
#include <cmath>

#include <fmt/format.h>

namespace coterie::bench {
namespace {

constexpr double width = 640;
constexpr double height = 340;
constexpr double left = 62;
constexpr double right = 132;  // the names of the lines
constexpr double top = 14;
constexpr double bottom = 46;
constexpr double label_gap = 13;
constexpr double bar_height = 18;
constexpr double bar_step = 30;
constexpr double bar_left = 122;
constexpr double bar_right = 78;
constexpr std::size_t ticks_wanted = 5;

std::string text_at(double x, double y, std::string_view anchor, std::string_view kind,
                    std::string_view text) {
  return fmt::format(R"(<text x="{:.1f}" y="{:.1f}" text-anchor="{}" class="{}">{}</text>)", x, y,
                     anchor, kind, escaped(text));
}

/// From values to places on the screen.
class Scale {
 public:
  Scale(double least, double most, bool is_log, double from, double to)
      : is_log_(is_log), least_(turn(least)), most_(turn(most)), from_(from), to_(to) {}

  [[nodiscard]] double at(double value) const {
    const double part = most_ > least_ ? (turn(value) - least_) / (most_ - least_) : 0.5;
    return from_ + part * (to_ - from_);
  }

 private:
  [[nodiscard]] double turn(double value) const { return is_log_ ? std::log10(value) : value; }
  bool is_log_;
  double least_;
  double most_;
  double from_;
  double to_;
};

struct Range {
  double least = 0;
  double most = 0;
};

/// Of what can be shown; nothing: there is none.
std::optional<Range> range_of(const LinePlot& plot, double Series::Point::*value,
                              const Axis& axis) {
  std::optional<Range> range;
  for (const Series& series : plot.series) {
    for (const auto& point : series.points) {
      const double at = point.*value;
      if (!std::isfinite(at) || (axis.is_log && at <= 0)) continue;
      if (!range) range = Range{at, at};
      range->least = std::min(range->least, at);
      range->most = std::max(range->most, at);
    }
  }
  // What is not logarithmic is seen from zero.
  if (range && !axis.is_log) range->least = std::min(0.0, range->least);
  return range;
}

std::string frame(const LinePlot& plot, const Scale& x, const Scale& y,
                  const std::vector<Tick>& x_ticks, const std::vector<Tick>& y_ticks) {
  std::string out;
  for (const Tick& tick : y_ticks) {
    const double at = y.at(tick.at);
    out += fmt::format(R"(<line x1="{}" x2="{}" y1="{:.1f}" y2="{:.1f}" class="grid"/>)", left,
                       width - right, at, at);
    out += text_at(left - 8, at + 4, "end", "tick", tick.text);
  }
  for (const Tick& tick : x_ticks) {
    out += text_at(x.at(tick.at), height - bottom + 18, "middle", "tick", tick.text);
  }
  out += fmt::format(R"(<line x1="{}" x2="{}" y1="{}" y2="{}" class="axis"/>)", left, width - right,
                     height - bottom, height - bottom);
  out += text_at((left + width - right) / 2, height - 8, "middle", "title", plot.x.title);
  out += fmt::format(
      R"svg(<text transform="translate(14 {:.1f}) rotate(-90)" text-anchor="middle" class="title">{}</text>)svg",
      (top + height - bottom) / 2, escaped(plot.y.title));
  return out;
}

struct Label {
  double y = 0;
  double wanted = 0;
  double x = 0;
  const Series* series = nullptr;
};

/// The names at the ends of the lines, moved apart where they would cover each other.
std::string labels_of(std::vector<Label> labels) {
  std::ranges::sort(labels, {}, &Label::wanted);
  double free_from = top;
  for (Label& label : labels) {
    label.y = std::max(label.wanted, free_from);
    free_from = label.y + label_gap;
  }
  double free_to = height - bottom;
  for (auto label = labels.rbegin(); label != labels.rend(); ++label) {
    label->y = std::min(label->y, free_to);
    free_to = label->y - label_gap;
  }
  std::string out;
  const double x = width - right + 12;
  for (const Label& label : labels) {
    out += fmt::format(
        R"(<path d="M{:.1f} {:.1f}L{:.1f} {:.1f}" class="leader c{}"/><circle cx="{}" cy="{:.1f}" r="4" class="dot c{}"/>)",
        label.x, label.wanted, x - 4, label.y, label.series->color, x, label.y,
        label.series->color);
    out += text_at(x + 9, label.y + 4, "start", "name", label.series->name);
  }
  return out;
}

std::string line_of(const Series& series, const LinePlot& plot, const Scale& x, const Scale& y,
                    std::vector<Label>& labels) {
  std::string path;
  std::string dots;
  Label label{.series = &series};
  for (const auto& point : series.points) {
    if ((plot.x.is_log && point.x <= 0) || (plot.y.is_log && point.y <= 0)) continue;
    label.x = x.at(point.x);
    label.wanted = y.at(point.y);
    path += fmt::format("{}{:.1f} {:.1f}", path.empty() ? 'M' : 'L', label.x, label.wanted);
    const std::string note =
        point.note.empty() ? fmt::format("{}, {}", short_number(point.x), short_number(point.y))
                           : point.note;
    dots += fmt::format(
        R"(<circle cx="{:.1f}" cy="{:.1f}" r="4" class="dot c{}"><title>{}: {}</title></circle>)",
        label.x, label.wanted, series.color, escaped(series.name), escaped(note));
  }
  if (path.empty()) return {};
  labels.push_back(label);
  return fmt::format(R"(<path d="{}" class="line c{}"/>{})", path, series.color, dots);
}

std::string svg_begin(double high) {
  return fmt::format(R"(<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {} {}" role="img">)",
                     width, high);
}

}  // namespace

std::string svg_of(const LinePlot& plot) {
  const auto x_range = range_of(plot, &Series::Point::x, plot.x);
  const auto y_range = range_of(plot, &Series::Point::y, plot.y);
  if (!x_range || !y_range) {
    return svg_begin(60) + text_at(width / 2, 34, "middle", "title", "nothing was measured") +
           "</svg>";
  }
  const auto x_ticks =
      plot.x_ticks.empty() ? ticks_of(x_range->least, x_range->most, plot.x.is_log) : plot.x_ticks;
  const auto y_ticks = ticks_of(y_range->least, y_range->most, plot.y.is_log);
  const Scale x(std::min(x_range->least, x_ticks.front().at),
                std::max(x_range->most, x_ticks.back().at), plot.x.is_log, left, width - right);
  const Scale y(std::min(y_range->least, y_ticks.front().at),
                std::max(y_range->most, y_ticks.back().at), plot.y.is_log, height - bottom, top);
  std::string out = svg_begin(height) + frame(plot, x, y, x_ticks, y_ticks);
  std::vector<Label> labels;
  for (const Series& series : plot.series) out += line_of(series, plot, x, y, labels);
  return out + labels_of(std::move(labels)) + "</svg>";
}

std::string svg_of(const BarPlot& plot) {
  double most = 0;
  for (const Bar& bar : plot.bars) most = std::max({most, bar.most, bar.value});
  const auto ticks = ticks_of(0, most, false);
  const double high = top + bar_step * static_cast<double>(plot.bars.size()) + bottom;
  const Scale x(0, std::max(most, ticks.back().at), false, bar_left, width - bar_right);
  const double floor = high - bottom;
  std::string out = svg_begin(high);
  for (const Tick& tick : ticks) {
    out += fmt::format(R"(<line x1="{0:.1f}" x2="{0:.1f}" y1="{1}" y2="{2}" class="grid"/>)",
                       x.at(tick.at), top, floor);
    out += text_at(x.at(tick.at), floor + 18, "middle", "tick", tick.text);
  }
  double y = top + (bar_step - bar_height) / 2;
  for (const Bar& bar : plot.bars) {
    const double middle = y + bar_height / 2;
    out += fmt::format(
        R"(<rect x="{}" y="{:.1f}" width="{:.1f}" height="{}" rx="3" class="bar c{}"><title>{}: {} ({} to {}) {}</title></rect>)",
        bar_left, y, std::max(1.0, x.at(bar.value) - bar_left), bar_height, bar.color,
        escaped(bar.name), short_number(bar.value), short_number(bar.least), short_number(bar.most),
        escaped(plot.unit));
    out +=
        fmt::format(R"(<line x1="{0:.1f}" x2="{1:.1f}" y1="{2:.1f}" y2="{2:.1f}" class="spread"/>)",
                    x.at(bar.least), x.at(bar.most), middle);
    out += text_at(bar_left - 8, middle + 4, "end", "name", bar.name);
    out += text_at(std::max(x.at(bar.most), x.at(bar.value)) + 7, middle + 4, "start", "value",
                   short_number(bar.value) + (bar.is_doubtful ? " *" : ""));
    y += bar_step;
  }
  out += text_at((bar_left + width - bar_right) / 2, high - 8, "middle", "title", plot.unit);
  return out + "</svg>";
}

std::vector<Tick> ticks_of(double least, double most, bool is_log) {
  std::vector<Tick> out;
  const auto add = [&out](double at) { out.push_back({.at = at, .text = short_number(at)}); };
  if (is_log) {
    const bool is_narrow = most / least < 200;
    for (double decade = std::pow(10, std::floor(std::log10(least)));
         out.empty() || out.back().at < most; decade *= 10) {
      for (const double step : {1.0, 2.0, 5.0}) {
        const bool is_above = !out.empty() && out.back().at >= most;
        if ((step > 1 && !is_narrow) || is_above) continue;
        // The last one below the range is where it begins.
        if (!out.empty() && decade * step <= least) out.clear();
        add(decade * step);
      }
    }
    if (out.size() < 2) add(out.back().at * 10);
    return out;
  }
  const double span = most > least ? most - least : std::max(1.0, std::abs(most));
  const double raw = span / static_cast<double>(ticks_wanted);
  const double decade = std::pow(10, std::floor(std::log10(raw)));
  double step = decade * 10;
  for (const double factor : {1.0, 2.0, 5.0}) {
    if (decade * factor >= raw) {
      step = decade * factor;
      break;
    }
  }
  const double first = std::floor(least / step) * step;
  for (int i = 0; out.size() < 2 || out.back().at < most - step * 1e-9; ++i) add(first + i * step);
  return out;
}

std::string short_number(double number) {
  if (std::abs(number) >= 999'500) return fmt::format("{:.3g}M", number / 1e6);
  if (std::abs(number) >= 999.5) return fmt::format("{:.3g}k", number / 1e3);
  return std::abs(number) < 1e-9 ? "0" : fmt::format("{:.3g}", number);
}

std::string escaped(std::string_view text) {
  std::string out;
  for (const char c : text) {
    switch (c) {
      case '<':
        out += "&lt;";
        break;
      case '>':
        out += "&gt;";
        break;
      case '&':
        out += "&amp;";
        break;
      case '"':
        out += "&quot;";
        break;
      default:
        out += c;
    }
  }
  return out;
}

}  // namespace coterie::bench
