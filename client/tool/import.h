#pragma once

#include <string>

#include "client/tool/record_calls.h"
#include "client/tool/record_flow.h"

namespace coterie::tool {

/// Writes the records of a source. A write whose outcome is unknown is settled by reading the key:
/// where the value is there it counts as acknowledged, else it is put again with the context read,
/// so that trying again makes no siblings.
class Import {
 public:
  struct Options {
    std::string bucket = "default";
    /// Reads each key first and replaces what is there; else the puts are blind.
    bool overwrite = false;
    RecordFlow::Options flow;
  };

  Import(const Options& options, RecordCalls& calls,
         std::function<Result<std::optional<FileRecord>>()> source, std::function<Instant()> now);

  [[nodiscard]] RecordFlow& flow() { return flow_; }

 private:
  void perform(RecordFlow::Job& job);
  void write(RecordFlow::Job& job);
  void read(RecordFlow::Job& job);
  void on_read(RecordFlow::Job& job, Result<client::GetResult> result);

  Options options_;
  RecordCalls& calls_;
  RecordFlow flow_;
};

/// Reads the records of a source back and compares their values byte for byte.
class Compare {
 public:
  Compare(std::string bucket, const RecordFlow::Options& options, RecordCalls& calls,
          std::function<Result<std::optional<FileRecord>>()> source, std::function<Instant()> now);

  [[nodiscard]] RecordFlow& flow() { return flow_; }

 private:
  void perform(RecordFlow::Job& job);
  void on_read(RecordFlow::Job& job, Result<client::GetResult> result);

  std::string bucket_;
  RecordCalls& calls_;
  RecordFlow flow_;
};

}  // namespace coterie::tool
