#include <algorithm>
#include <cstdio>
#include <string>
#include <vector>

#include "client/client.h"

using namespace coterie::client;

namespace {

/// Concurrent baskets are merged: every line that is in any of them, once.
std::optional<coterie::Bytes> merge_baskets(std::span<const Sibling> baskets) {
  std::vector<std::string> lines;
  for (const auto& basket : baskets) {
    std::string rest = basket.value;
    while (!rest.empty()) {
      const std::size_t end = std::min(rest.find('\n'), rest.size());
      lines.push_back(rest.substr(0, end));
      rest.erase(0, end + 1);
    }
  }
  std::ranges::sort(lines);
  lines.erase(std::ranges::unique(lines).begin(), lines.end());
  std::string merged;
  for (const auto& line : lines) merged += line + "\n";
  return merged;
}

int complain(const char* what, const coterie::Error& error) {
  std::fprintf(stderr, "%s: %s\n", what, error.message.c_str());
  if (in_doubt(error))
    std::fprintf(stderr, "it may have been executed: read before writing again\n");
  return 1;
}

/// Read, change, write: what another has written meanwhile is kept beside it.
int fill_basket(Client& client, const Key& basket) {
  auto read = client.get(basket, {.resolver = merge_baskets});
  if (!read) return complain("get", read.error());
  const std::string before = read->is_found() ? *read->value() : "";
  const auto put = client.put(basket, before + "apples\n", read->context);
  if (!put) return complain("put", put.error());

  // A blind put replaces nothing, so that now two baskets stand side by side, until a read with a
  // resolver makes one of them.
  const auto blind = client.put_blind(basket, "pears\n");
  if (!blind) return complain("put_blind", blind.error());
  std::printf("%d concurrent baskets\n", static_cast<int>(blind->siblings));
  read = client.get(basket, {.resolver = merge_baskets});
  if (!read) return complain("get", read.error());
  std::printf("merged:\n%s", read->value()->c_str());

  const auto removed = client.remove(basket, read->context);
  return removed ? 0 : complain("remove", removed.error());
}

/// Many keys at once, each with a result of its own; then a range of them, page by page.
int write_days(Client& client) {
  std::vector<Write> writes;
  for (const char* day : {"2026-11-19", "2026-11-20", "2026-11-21"}) {
    writes.push_back(Write::put_blind({.partition_key = "visits", .sort_key = day}, "seen"));
  }
  for (const auto& result : client.write_many(std::move(writes))) {
    if (!result) return complain("write_many", result.error());
  }
  const Range range{.partition_key = "visits", .sort_key_from = "2026-11-20"};
  for (Cursor cursor;;) {
    const auto page = client.scan(range, cursor);
    if (!page) return complain("scan", page.error());
    for (const auto& record : page->records) std::printf("visit %s\n", record.sort_key.c_str());
    if (page->is_last) return 0;
    cursor = page->next;
  }
}

/// The same without waiting: callbacks run within poll() and run_until_idle().
int count_found(Client& client) {
  int found = 0;
  for (const char* day : {"2026-11-20", "2026-11-21", "2026-11-22"}) {
    client.get({.partition_key = "visits", .sort_key = day}, {},
               [&found](coterie::Result<GetResult> result) {
                 if (result && result->is_found()) ++found;
               });
  }
  client.run_until_idle();
  std::printf("%d days found\n", found);
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  Options options;
  if (argc > 1) options.seeds.assign(argv + 1, argv + argc);
  auto client = Client::connect(options);
  if (!client) return complain("connect", client.error());
  const Key basket{.partition_key = "basket of ann"};
  if (const int failed = fill_basket(*client, basket)) return failed;
  if (const int failed = write_days(*client)) return failed;
  return count_found(*client);
}
