#pragma once

#include "client/callback.h"
#include "client/client.h"
#include "client/requests.h"

namespace coterie::tool {

/// What bulk commands ask of the cluster; a seam, so that their tests need none.
class RecordCalls {
 public:
  virtual ~RecordCalls() = default;
  virtual void get(client::Key key, client::Callback<client::GetResult> done) = 0;
  virtual void write(client::Write write, client::Callback<client::PutResult> done) = 0;
};

class ClientCalls final : public RecordCalls {
 public:
  ClientCalls(client::Client& client, client::GetOptions get, client::PutOptions put)
      : client_(client), get_(std::move(get)), put_(put) {}
  void get(client::Key key, client::Callback<client::GetResult> done) override {
    client_.get(std::move(key), get_, std::move(done));
  }
  void write(client::Write write, client::Callback<client::PutResult> done) override {
    client_.write(std::move(write), put_, std::move(done));
  }

 private:
  client::Client& client_;
  client::GetOptions get_;
  client::PutOptions put_;
};

}  // namespace coterie::tool
