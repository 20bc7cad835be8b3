#include "bench/plot.h"

namespace coterie::bench {
namespace {

// Text and grid stand back; only data has color, and a color means the same system everywhere.
constexpr std::string_view colors = R"(
:root { color-scheme: light dark; --page: #f7f7f5; --card: #ffffff; --ink: #16161a; --ink2: #55555c;
  --grid: #e4e4e0; --axis: #a3a39d; --c0: #e34948; --c1: #eb6834; --c2: #d55181; --c3: #b98000;
  --c4: #008300; --c5: #12906a; --c6: #2a78d6; --c7: #4a3aa7; }
@media (prefers-color-scheme: dark) { :root { --page: #131315; --card: #1c1c1f; --ink: #f2f2ef;
  --ink2: #b4b4b0; --grid: #323236; --axis: #6d6d72; --c0: #e66767; --c1: #e07b4d; --c2: #e077a3;
  --c3: #d9a021; --c4: #3fa33f; --c5: #2fb58a; --c6: #5b9ff0; --c7: #9f95f2; } }
)";

constexpr std::string_view plot_style = R"(
svg text { font: 12px system-ui, sans-serif; fill: var(--ink2); }
svg .name, svg .value { fill: var(--ink); }
svg .value, svg .tick { font-variant-numeric: tabular-nums; }
.grid { stroke: var(--grid); } .axis { stroke: var(--axis); }
.line { fill: none; stroke: var(--c); stroke-width: 2; stroke-linejoin: round; }
.leader { fill: none; stroke: var(--c); stroke-width: 1; stroke-dasharray: 2 3; opacity: .6; }
.dot { fill: var(--c); stroke: var(--card); stroke-width: 1.5; } .bar { fill: var(--c); }
.spread { stroke: var(--ink); stroke-width: 2; opacity: .75; }
.c0 { --c: var(--c0); } .c1 { --c: var(--c1); } .c2 { --c: var(--c2); } .c3 { --c: var(--c3); }
.c4 { --c: var(--c4); } .c5 { --c: var(--c5); } .c6 { --c: var(--c6); } .c7 { --c: var(--c7); }
)";

constexpr std::string_view page_style = R"(
* { box-sizing: border-box; }
body { margin: 0 auto; padding: 28px 24px 60px; max-width: 1440px; background: var(--page);
  color: var(--ink); font: 15px/1.5 system-ui, sans-serif; }
h1 { font-size: 26px; margin: 0 0 6px; } h2 { font-size: 17px; margin: 0 0 2px; }
p { color: var(--ink2); margin: 4px 0; max-width: 80ch; }
.figures { display: grid; gap: 18px; margin: 22px 0;
  grid-template-columns: repeat(auto-fit, minmax(min(560px, 100%), 1fr)); }
figure { background: var(--card); border: 1px solid var(--grid); border-radius: 8px; margin: 0;
  padding: 16px 18px 8px; }
figure p { font-size: 13px; margin-bottom: 8px; }
svg { width: 100%; height: auto; display: block; }
.table { overflow-x: auto; background: var(--card); border: 1px solid var(--grid);
  border-radius: 8px; margin: 0 0 18px; padding: 14px 18px; }
table { border-collapse: collapse; font-size: 13px; white-space: nowrap; width: 100%;
  font-variant-numeric: tabular-nums; }
th { color: var(--ink2); font-weight: 500; text-align: right; vertical-align: bottom; }
th, td { padding: 5px 10px; border-bottom: 1px solid var(--grid); } td { text-align: right; }
th:first-child, td:first-child { text-align: left; padding-left: 0; }
)";

}  // namespace

std::string file_of(const std::string& svg) {
  const auto end = svg.find('>') + 1;  // of the first tag
  std::string style = "<style>";
  style.append(colors).append(plot_style).append("</style>");
  // A picture on a page of another color needs a ground of its own.
  style += "<rect width=\"100%\" height=\"100%\" style=\"fill: var(--card)\"/>";
  return svg.substr(0, end) + style + svg.substr(end) + "\n";
}

std::string page_of(const std::string& title, const std::string& intro,
                    const std::vector<Figure>& figures, const std::string& tables) {
  std::string out = "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">\n";
  out += "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n<title>";
  out += escaped(title) + "</title>\n<style>";
  out.append(colors).append(page_style).append(plot_style).append("</style></head>\n<body>\n");
  out += "<h1>" + escaped(title) + "</h1>\n" + intro + "\n<div class=\"figures\">\n";
  for (const Figure& figure : figures) {
    out += "<figure><h2>" + escaped(figure.title) + "</h2><p>" + escaped(figure.explanation) +
           "</p>\n" + figure.svg + "</figure>\n";
  }
  return out + "</div>\n" + tables + "\n</body></html>\n";
}

}  // namespace coterie::bench
