#pragma once

#include <curl/curl.h>

#include <algorithm>
#include <memory>
#include <string>

#include "canopy/net/client.h"
#include "canopy/net/compress.h"
#include "prepared_request.h"

namespace canopy::net {

// One request on its way through libcurl, with the response as it arrives. Owned by the client's
// thread from when it is sent until it is finished; then it can be sent again.
class CurlTransfer {
 public:
  // `keeps_handle`: what libcurl was told of the request stays with it from one time to the next.
  CurlTransfer(HttpRequest request, HttpOptions options, bool keeps_handle)
      : request_(std::move(request)), options_(std::move(options)), keeps_handle_(keeps_handle) {}
  ~CurlTransfer();
  CurlTransfer(const CurlTransfer&) = delete;
  CurlTransfer& operator=(const CurlTransfer&) = delete;

  HttpRequestId id() const { return id_; }
  Workers* run_on() const { return options_.run_on; }
  // Whether the body that has come is short enough for the client's own thread.
  bool short_enough() const {
    const size_t limit = options_.run_here_up_to_bytes;
    return limit > 0 && raw_.size() <= limit && response_.body.size() <= limit;
  }
  CURL* handle() const { return handle_; }
  // Whether its handle has all that the request needs.
  bool started() const { return started_; }

  // Before it is sent, on the caller's thread.
  void Begin(HttpRequestId id, HttpClient::Callback done);
  void GiveBuffer(std::string buffer) { options_.body_buffer = std::move(buffer); }
  // After Begin(): reads credentials. What is wrong is kept for the callback.
  void Prepare(Fs& fs, const EnvironmentProxies& environment);
  bool failed() const { return !status_.ok(); }
  // Gives `handle`, new or reset, all that the request needs. The handle stays the caller's.
  void Start(CURL* handle, const std::string& user_agent, Duration idle_timeout);
  // The transfer has ended with this code.
  void End(CURLcode code);
  // Afterwards the handle may be used for another one; null when it is kept.
  CURL* TakeHandle();
  void Fail(Status status) { status_ = std::move(status); }
  // Decompresses and calls back; on any thread, once.
  void Deliver();

 private:
  void SetMethod();
  void SetTls(const TlsConfig& tls);
  void SetConnection(const HttpClientConfig& config, Duration idle_timeout);
  size_t OnHeader(std::string_view line);
  size_t OnBody(std::string_view bytes);
  static size_t HeaderCallback(char* data, size_t size, size_t n, void* self);
  static size_t BodyCallback(char* data, size_t size, size_t n, void* self);
  Status ErrorOf(CURLcode code) const;
  std::string Dialled() const;
  Status Decode();
  Status TooLong() const;

  void FreeLists();

  HttpRequestId id_;
  const HttpRequest request_;
  HttpOptions options_;
  const bool keeps_handle_;
  HttpClient::Callback done_;
  bool is_prepared_ = false;
  PreparedRequest prepared_;
  Status status_;  // without the URL, which Deliver() adds

  CURL* handle_ = nullptr;
  bool started_ = false;
  curl_slist* header_list_ = nullptr;
  curl_slist* proxy_header_list_ = nullptr;
  curl_slist* connect_to_ = nullptr;
  char error_text_[CURL_ERROR_SIZE] = "";

  HttpResponse response_;
  std::string raw_;  // a compressed body as it came
  Encoding encoding_ = Encoding::kIdentity;
  bool body_begun_ = false;
  bool too_long_ = false;
};

}  // namespace canopy::net
