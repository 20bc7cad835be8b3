#include "client/tool/arguments.h"

#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <string_view>

// CLI11 is heavy: of this tool only this file and command_line.cc include it.
#include <CLI/CLI.hpp>

#include "base/base64.h"
#include "client/tool/command_line.h"
#include "client/tool/exit_codes.h"

namespace coterie::tool {
namespace {

constexpr const char* intro =
    "Reads and writes a Coterie cluster.\n\n"
    "Examples:\n"
    "  coterie put greeting hello\n"
    "  coterie get greeting\n"
    "  coterie import --bucket words words.tsv\n"
    "  coterie export --bucket words > words.tsv\n";

constexpr const char* formats_help =
    "A TSV line is key TAB value, or key TAB sort key TAB value; within a field a tab is written "
    "\\t, a line feed \\n, a carriage return \\r, a backslash \\\\. A JSON line is "
    "{\"key\":\"..\",\"value\":\"..\"}, with \"sort_key\" where there is one; a field that is not "
    "UTF-8 is written as \"key_base64\", \"sort_key_base64\" or \"value_base64\".";

/// What the options leave as text until all are read.
struct Raw {
  std::string r;
  std::string w;
  std::string context;
  std::string format;
  bool is_sloppy = false;
  bool is_strict = false;
  std::string progress = "auto";
};

Result<client::Quorum> parse_quorum(const std::string& text) {
  if (text.empty()) return client::Quorum{};
  if (text == "quorum") return client::Quorum{client::Quorum::quorum};
  if (text == "all") return client::Quorum{client::Quorum::all};
  if (text.size() == 1 && text[0] >= '1' && text[0] <= '7') {
    return client::Quorum{static_cast<std::uint8_t>(text[0] - '0')};
  }
  return fail(ErrorCode::invalid_argument,
              "\"" + text + "\" is no number of owners: 1 to 7, quorum or all");
}

Result<ProgressMode> parse_progress(const std::string& text) {
  if (text == "none") return ProgressMode::none;
  if (text == "bar") return ProgressMode::bar;
  if (text == "lines") return ProgressMode::lines;
  return isatty(STDERR_FILENO) != 0 ? ProgressMode::bar : ProgressMode::none;
}

Result<void> interpret(const Raw& raw, Arguments& out) {
  const auto r = parse_quorum(raw.r);
  if (!r) return std::unexpected(r.error());
  const auto w = parse_quorum(raw.w);
  if (!w) return std::unexpected(w.error());
  out.r = *r;
  out.w = *w;
  if (raw.is_sloppy && raw.is_strict) {
    return fail(ErrorCode::invalid_argument, "--sloppy and --strict exclude each other");
  }
  if (raw.is_sloppy) out.sloppy = client::Sloppy::yes;
  if (raw.is_strict) out.sloppy = client::Sloppy::no;
  out.progress = *parse_progress(raw.progress);
  if (raw.format == "tsv") out.format = Format::tsv;
  if (raw.format == "jsonl") out.format = Format::json_lines;
  if (raw.context.empty()) return {};
  auto context = from_base64(raw.context);
  if (!context) {
    return fail(ErrorCode::invalid_argument, "--context is not what get --json shows as context");
  }
  out.context = std::move(*context);
  return {};
}

/// By hand: CLI11 would let the environment win over the command line, since all commands share
/// the option's variable.
void take_environment(Arguments& out) {
  const char* text = std::getenv("COTERIE_SEEDS");
  if (text == nullptr || *text == '\0') return;
  out.seeds.clear();
  std::string_view rest = text;
  while (!rest.empty()) {
    const std::size_t end = std::min(rest.find(','), rest.size());
    if (end > 0) out.seeds.emplace_back(rest.substr(0, end));
    rest.remove_prefix(std::min(end + 1, rest.size()));
  }
}

void add_common(CLI::App& command, Arguments& out, Raw& raw, bool reads, bool writes) {
  command
      .add_option("-s,--seed", out.seeds,
                  "client door of any node, host:port; repeatable; without it those of the "
                  "environment's COTERIE_SEEDS, separated by commas")
      ->delimiter(',')
      ->allow_extra_args(false)
      ->capture_default_str();
  command.add_option("-b,--bucket", out.bucket, "the bucket")->capture_default_str();
  command.add_flag("--json", out.json, "print JSON");
  command.add_option("--deadline", out.deadline_ms, "milliseconds that a request may take")
      ->check(CLI::Range(1, 60000))
      ->capture_default_str();
  if (reads) command.add_option("--r", raw.r, "owners that must answer: 1 to 7, quorum or all");
  if (writes) command.add_option("--w", raw.w, "owners that must hold it: 1 to 7, quorum or all");
}

void add_key(CLI::App& command, Arguments& out, Raw& raw) {
  command.add_option("key", out.key, "the key (its partition key)")->required();
  command.add_option("--sort-key", out.sort_key, "the key's second part");
  command.add_flag("--sloppy", raw.is_sloppy,
                   "other nodes may stand in for owners that are away; refused where the bucket is "
                   "strict");
  command.add_flag("--strict", raw.is_strict, "only owners count, also in a sloppy bucket");
}

void add_context(CLI::App& command, Raw& raw) {
  command.add_option("--context", raw.context,
                     "replace what this context covers (from get --json) instead of reading first");
}

void add_bulk(CLI::App& command, Arguments& out, Raw& raw, const std::string& examples) {
  command.footer(examples + "\n" + formats_help);
  command.add_option("--format", raw.format, "tsv or jsonl; without it the file's name tells")
      ->check(CLI::IsMember({"tsv", "jsonl"}));
  command.add_option("--progress", raw.progress, "auto, bar, lines or none, on standard error")
      ->check(CLI::IsMember({"auto", "bar", "lines", "none"}))
      ->capture_default_str();
  command.add_option("--in-flight", out.in_flight, "requests at once")
      ->check(CLI::Range(1, 16384))
      ->capture_default_str();
}

void add_retry_for(CLI::App& command, Arguments& out) {
  command
      .add_option("--retry-for", out.retry_for_s,
                  "seconds for which a record is tried again while the cluster is unavailable")
      ->check(CLI::Range(0, 86400))
      ->capture_default_str();
}

struct Commands {
  CLI::App* get;
  CLI::App* put;
  CLI::App* remove;
  CLI::App* import;
  CLI::App* export_;
  CLI::App* compare;
};

Commands add_commands(CLI::App& app, Arguments& out, Raw& raw) {
  Commands all{};
  all.get = app.add_subcommand("get", "print a key's value");
  add_common(*all.get, out, raw, true, false);
  add_key(*all.get, out, raw);
  all.get->footer(
      "Examples:\n  coterie get greeting\n  coterie get --json greeting | jq -r .context");

  all.put = app.add_subcommand(
      "put", "set a key's value: reads the key, then replaces what it read (see also --blind)");
  add_common(*all.put, out, raw, true, true);
  add_key(*all.put, out, raw);
  add_context(*all.put, raw);
  all.put->footer(
      "Examples:\n  coterie put greeting hello\n  coterie put --sort-key 2026-11-21 visits - < "
      "note.txt");
  all.put->add_option("value", out.value, "the value; - reads standard input")->required();
  all.put->add_flag("--blind", out.is_blind,
                    "do not read first: where the key has a value, both stay as siblings");
  all.put->add_option("--time-to-live", out.time_to_live_ms, "milliseconds until it expires")
      ->check(CLI::NonNegativeNumber);

  all.remove = app.add_subcommand("delete", "delete a key: reads it, then deletes what it read");
  add_common(*all.remove, out, raw, true, true);
  add_key(*all.remove, out, raw);
  add_context(*all.remove, raw);
  all.remove->footer("Example:\n  coterie delete greeting");

  all.import = app.add_subcommand("import", "write the records of a file, blindly");
  add_common(*all.import, out, raw, false, true);
  add_bulk(*all.import, out, raw,
           "Examples:\n  coterie import --bucket words words.tsv\n  zcat words.tsv.gz | coterie "
           "import -b words\n");
  add_retry_for(*all.import, out);
  all.import->add_option("file", out.file, "TSV or JSON lines; - is standard input")
      ->capture_default_str();
  all.import->add_flag("--overwrite", out.overwrite,
                       "read each key first and replace what is there");

  all.export_ = app.add_subcommand("export", "write a bucket's records to standard output");
  add_common(*all.export_, out, raw, true, false);
  add_bulk(*all.export_, out, raw,
           "Examples:\n  coterie export --bucket words > words.tsv\n  coterie export -b words "
           "--format jsonl | jq .key\n");

  all.compare = app.add_subcommand(
      "compare", "read the keys of a file back and compare their values byte for byte");
  add_common(*all.compare, out, raw, true, false);
  add_bulk(*all.compare, out, raw,
           "Example:\n  coterie compare --bucket words words.tsv && echo all there\n");
  add_retry_for(*all.compare, out);
  all.compare->add_option("file", out.file, "TSV or JSON lines; - is standard input")
      ->capture_default_str();
  return all;
}

Command command_of(const Commands& all) {
  if (all.put->parsed()) return Command::put;
  if (all.remove->parsed()) return Command::remove;
  if (all.import->parsed()) return Command::import;
  if (all.export_->parsed()) return Command::export_;
  if (all.compare->parsed()) return Command::compare;
  return Command::get;
}

}  // namespace

std::variant<Arguments, int> parse_arguments(int argc, const char* const* argv) {
  CLI::App app{intro, "coterie"};
  app.footer(exit_codes_help);
  app.set_version_flag("--version", std::string("coterie ") + COTERIE_VERSION);
  app.require_subcommand(1);
  Arguments out;
  take_environment(out);
  Raw raw;
  const Commands all = add_commands(app, out, raw);
  speak_plainly(app);
  if (complain_of_command(app, argc, argv)) return static_cast<int>(Exit::usage);
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    const int code = app.exit(error);
    return code == 0 ? 0 : static_cast<int>(Exit::usage);
  }
  out.command = command_of(all);
  if (auto good = interpret(raw, out); !good) {
    std::fprintf(stderr, "coterie: %s\n", good.error().message.c_str());
    return static_cast<int>(Exit::usage);
  }
  return out;
}

}  // namespace coterie::tool
