#include "client/tool/import.h"

#include <algorithm>
#include <utility>

namespace coterie::tool {
namespace {

enum Step : int { begin = 0, read_first = 1, write_again = 2 };

client::Key key_of(const std::string& bucket, const FileRecord& record) {
  return {.bucket = bucket, .partition_key = record.key, .sort_key = record.sort_key};
}

bool has_value(const client::GetResult& result, const Bytes& value) {
  return std::ranges::any_of(result.siblings,
                             [&value](const auto& sibling) { return sibling.value == value; });
}

}  // namespace

Import::Import(const Options& options, RecordCalls& calls,
               std::function<Result<std::optional<FileRecord>>()> source,
               std::function<Instant()> now)
    : options_(options),
      calls_(calls),
      flow_(options.flow, {.source = std::move(source),
                           .perform = [this](RecordFlow::Job& job) { perform(job); },
                           .now = std::move(now)}) {}

void Import::perform(RecordFlow::Job& job) {
  if (job.step == begin && options_.overwrite) job.step = read_first;
  if (job.step == read_first) return read(job);
  write(job);
}

void Import::write(RecordFlow::Job& job) {
  auto key = key_of(options_.bucket, job.record);
  auto write = job.step == write_again
                   ? client::Write::put(std::move(key), job.record.value, job.context)
                   : client::Write::put_blind(std::move(key), job.record.value);
  calls_.write(std::move(write), [this, id = job.id](Result<client::PutResult> result) {
    RecordFlow::Job& written = *flow_.job(id);
    if (result) return flow_.good(written);
    if (client::in_doubt(result.error())) {
      written.is_in_doubt = true;
      written.step = read_first;
    }
    flow_.failed(written, result.error());
  });
}

void Import::read(RecordFlow::Job& job) {
  calls_.get(key_of(options_.bucket, job.record),
             [this, id = job.id](Result<client::GetResult> result) {
               on_read(*flow_.job(id), std::move(result));
             });
}

void Import::on_read(RecordFlow::Job& job, Result<client::GetResult> result) {
  if (!result) return flow_.failed(job, result.error());
  if (job.is_in_doubt && has_value(*result, job.record.value)) return flow_.good(job);
  job.context = std::move(result->context);
  job.step = write_again;
  flow_.go_on(job);
}

Compare::Compare(std::string bucket, const RecordFlow::Options& options, RecordCalls& calls,
                 std::function<Result<std::optional<FileRecord>>()> source,
                 std::function<Instant()> now)
    : bucket_(std::move(bucket)),
      calls_(calls),
      flow_(options, {.source = std::move(source),
                      .perform = [this](RecordFlow::Job& job) { perform(job); },
                      .now = std::move(now)}) {}

void Compare::perform(RecordFlow::Job& job) {
  calls_.get(key_of(bucket_, job.record), [this, id = job.id](Result<client::GetResult> result) {
    on_read(*flow_.job(id), std::move(result));
  });
}

/// Siblings are no difference as long as all are what the file says.
void Compare::on_read(RecordFlow::Job& job, Result<client::GetResult> result) {
  if (!result) return flow_.failed(job, result.error());
  if (!result->is_found()) return flow_.different(job, &Tally::missing, "missing");
  const bool is_equal = std::ranges::all_of(
      result->siblings, [&job](const auto& sibling) { return sibling.value == job.record.value; });
  if (is_equal) return flow_.good(job);
  flow_.different(job, &Tally::different, "different");
}

}  // namespace coterie::tool
