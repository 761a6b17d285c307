#pragma once

#include <curl/curl.h>

#include <algorithm>
#include <memory>
#include <string>

#include "canopy/net/client.h"
#include "canopy/net/compress.h"
#include "kept_connection.h"
#include "prepared_request.h"

namespace canopy::net {

// What stays with a request from one time that it is sent to the next.
enum class Keeps : uint8_t {
  kNothing,
  kHandle,      // what libcurl was told of it
  kConnection,  // that too; or, of a plain request, the connection alone: see KeptConnection
};

// One request on its way, with the response as it arrives. Owned by the client's thread from when
// it is sent until it is finished; then it can be sent again.
class CurlTransfer final : private KeptConnection::Sink {
 public:
  CurlTransfer(HttpRequest request, HttpOptions options, Keeps keeps)
      : request_(std::move(request)), options_(std::move(options)), keeps_(keeps) {}
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
  void Prepare(Fs& fs, const EnvironmentProxies& environment, const std::string& user_agent);
  bool failed() const { return !status_.ok(); }
  // Gives `handle`, new or reset, all that the request needs. The handle stays the caller's.
  void Start(CURL* handle, const std::string& user_agent, Duration idle_timeout);
  // The transfer has ended with this code. Keeps the connection where it can be used again.
  void End(CURLcode code);
  // Afterwards the handle may be used for another one; null when it is kept.
  CURL* TakeHandle();

  // The connection of the last time, or null.
  const KeptConnection* kept() const { return kept_.get(); }
  bool has_kept(int fd) const { return kept_ != nullptr && kept_->fd() == fd; }
  void DropKept() { kept_.reset(); }
  // Over the kept connection, in place of Start(). False: by libcurl, please.
  bool SendKept(int64_t now_nanos, Duration idle_timeout);
  // Whether the response to SendKept() is still to come, or not wholly here; until `deadline()`,
  // in monotonic nanoseconds.
  bool awaits_kept() const { return awaits_kept_; }
  int64_t deadline() const { return deadline_; }
  // After kDone and kBroken it has ended, after kUnusable it is to be sent by libcurl.
  KeptConnection::State ReceiveKept(std::span<char> buffer, int64_t now_nanos);
  // It did not come in time.
  void EndKeptLate(int64_t now_nanos);
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

  bool TakeHead(ResponseHead head) override;
  bool TakeBody(std::string_view bytes) override;
  void EndKept(int64_t now_nanos);
  // libcurl closes a socket.
  static int CloseSocket(void* self, curl_socket_t fd);
  void KeepConnection(CURLcode code);

  void FreeLists();
  const HttpClientConfig& config() const;

  HttpRequestId id_;
  const HttpRequest request_;
  HttpOptions options_;
  const Keeps keeps_;
  HttpClient::Callback done_;
  bool is_prepared_ = false;
  PreparedRequest prepared_;
  std::string plain_request_;  // empty unless its connection is kept
  Status status_;              // without the URL, which Deliver() adds

  CURL* handle_ = nullptr;
  bool started_ = false;
  curl_slist* header_list_ = nullptr;
  curl_slist* proxy_header_list_ = nullptr;
  curl_slist* connect_to_ = nullptr;
  char error_text_[CURL_ERROR_SIZE] = "";

  std::unique_ptr<KeptConnection> kept_;
  int closed_by_curl_ = -1;  // the socket that libcurl has done with last
  bool awaits_kept_ = false;
  int64_t sent_at_ = 0;  // over kept_, in monotonic nanoseconds, as all that follow
  int64_t deadline_ = 0;
  int64_t idle_since_ = 0;

  HttpResponse response_;
  std::string raw_;  // a compressed body as it came
  Encoding encoding_ = Encoding::kIdentity;
  bool body_begun_ = false;
  bool too_long_ = false;
};

}  // namespace canopy::net
