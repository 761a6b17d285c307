#include "listen.h"

#include <Poco/Exception.h>
#include <Poco/Net/NetException.h>
#include <Poco/Net/SecureServerSocketImpl.h>
#include <Poco/Net/ServerSocketImpl.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <poll.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <utility>

#include "canopy/base/number.h"

namespace canopy::net {
namespace {

using Poco::Net::Context;
using Poco::Net::ServerSocket;
using Poco::Net::SocketAddress;

constexpr int kBacklog = 1024;

// Poco::Net::TCPServer looks four times a second whether it is to stop: on a quiet machine its
// waking costs more than all else that a server does. This one waits as long as it takes.
template <class Impl>
class PatientSocketImpl final : public Impl {
 public:
  template <class... Args>
  explicit PatientSocketImpl(int stop, Args&&... args)
      : Impl(std::forward<Args>(args)...), stop_(stop) {}

  bool poll(const Poco::Timespan&, int) override {
    std::array<pollfd, 2> files{{{this->sockfd(), POLLIN, 0}, {stop_, POLLIN, 0}}};
    if (::poll(files.data(), files.size(), -1) < 0) return false;
    return files[0].revents != 0 && files[1].revents == 0;
  }

 private:
  const int stop_;
};

class PatientSocket : public ServerSocket {
 public:
  explicit PatientSocket(Poco::Net::SocketImpl* impl) : ServerSocket(impl, true) {}
};

ServerSocket NewSocket(const Context::Ptr& tls, int stop) {
  if (tls.isNull()) return PatientSocket(new PatientSocketImpl<Poco::Net::ServerSocketImpl>(stop));
  return PatientSocket(new PatientSocketImpl<Poco::Net::SecureServerSocketImpl>(stop, tls));
}

std::string SslReason() {
  const unsigned long error = ERR_get_error();
  ERR_clear_error();
  const char* reason = error != 0 ? ERR_reason_error_string(error) : nullptr;
  return reason != nullptr ? reason : "unknown error";
}

// Loads the pair into a context or into one connection.
template <class Chain, class Key, class Check>
Status LoadPair(const TlsServerOptions& options, Chain chain, Key key, Check check) {
  ERR_clear_error();
  if (chain(options.cert_file.c_str()) != 1)
    return Status::Invalid("tls: certificate " + options.cert_file + ": " + SslReason());
  if (key(options.key_file.c_str(), SSL_FILETYPE_PEM) != 1)
    return Status::Invalid("tls: key " + options.key_file + ": " + SslReason());
  if (check() != 1)
    return Status::Invalid("tls: key " + options.key_file + " does not belong to certificate " +
                           options.cert_file);
  return {};
}

// At the handshake: rotated certificates are used from the next connection on.
int UseFiles(SSL* ssl, void* argument) {
  const auto& options = *static_cast<const TlsServerOptions*>(argument);
  const Status status = LoadPair(
      options, [&](const char* file) { return SSL_use_certificate_chain_file(ssl, file); },
      [&](const char* file, int type) { return SSL_use_PrivateKey_file(ssl, file, type); },
      [&] { return SSL_check_private_key(ssl); });
  return status.ok() ? 1 : 0;
}

int AcceptAny(int, X509_STORE_CTX*) { return 1; }

Status SetClientAuth(SSL_CTX* ctx, const TlsServerOptions& options) {
  switch (options.client_auth) {
    case ClientAuth::kNone:
      SSL_CTX_set_verify(ctx, SSL_VERIFY_NONE, nullptr);
      break;
    case ClientAuth::kRequest:
      SSL_CTX_set_verify(ctx, SSL_VERIFY_PEER, AcceptAny);
      break;
    case ClientAuth::kRequireAny:
      SSL_CTX_set_verify(ctx, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, AcceptAny);
      break;
    case ClientAuth::kVerifyIfGiven:
      SSL_CTX_set_verify(ctx, SSL_VERIFY_PEER, nullptr);
      break;
    case ClientAuth::kRequireAndVerify:
      SSL_CTX_set_verify(ctx, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, nullptr);
      break;
  }
  if (options.client_ca_file.empty()) return {};
  const char* file = options.client_ca_file.c_str();
  STACK_OF(X509_NAME)* names = SSL_load_client_CA_file(file);
  SSL_CTX_set_client_CA_list(ctx, names);  // which owns it now
  if (names == nullptr || SSL_CTX_load_verify_locations(ctx, file, nullptr) != 1)
    return Status::Invalid("tls: client CA " + options.client_ca_file + ": " + SslReason());
  return {};
}

Status Configure(SSL_CTX* ctx, const TlsServerOptions& options) {
  if (!options.allow_tls12 && !options.allow_tls13)
    return Status::Invalid("tls: no version is allowed");
  SSL_CTX_set_min_proto_version(ctx, options.allow_tls12 ? TLS1_2_VERSION : TLS1_3_VERSION);
  SSL_CTX_set_max_proto_version(ctx, options.allow_tls13 ? TLS1_3_VERSION : TLS1_2_VERSION);
  if (!options.cipher_suites.empty() &&
      SSL_CTX_set_cipher_list(ctx, options.cipher_suites.c_str()) != 1)
    return Status::Invalid("tls: cipher suites " + options.cipher_suites + ": " + SslReason());
  CANOPY_RETURN_IF_ERROR(LoadPair(
      options, [&](const char* file) { return SSL_CTX_use_certificate_chain_file(ctx, file); },
      [&](const char* file, int type) { return SSL_CTX_use_PrivateKey_file(ctx, file, type); },
      [&] { return SSL_CTX_check_private_key(ctx); }));
  // Without a name of their own, sessions of verified clients could not be resumed.
  constexpr unsigned char kSession[] = "canopy";
  SSL_CTX_set_session_id_context(ctx, kSession, sizeof kSession - 1);
  SSL_CTX_set_cert_cb(ctx, UseFiles, const_cast<TlsServerOptions*>(&options));
  return SetClientAuth(ctx, options);
}

Status SplitAddress(const std::string& address, std::string& host, uint16_t& port) {
  const size_t colon = address.rfind(':');
  const auto number = colon == std::string::npos
                          ? std::nullopt
                          : base::ParseUint(std::string_view(address).substr(colon + 1));
  if (!number || *number > 65535)
    return Status::Invalid("listen address \"" + address + "\": want host:port");
  host = address.substr(0, colon);
  port = static_cast<uint16_t>(*number);
  if (host.size() >= 2 && host.front() == '[' && host.back() == ']')
    host = host.substr(1, host.size() - 2);
  return {};
}

// "bind: address already in use", in Go's lower case.
Status SystemError(const std::string& address, int error) {
  std::string reason = std::strerror(error);
  if (!reason.empty() && reason[0] >= 'A' && reason[0] <= 'Z')
    reason[0] = static_cast<char>(reason[0] | 0x20);
  std::string message = "listen tcp " + address + ": bind: " + reason;
  return error == EADDRINUSE ? Status::Exists(std::move(message)) : Status::Io(std::move(message));
}

void Bind(ServerSocket& socket, const std::string& host, uint16_t port) {
  // Never with SO_REUSEPORT, which the library would set by itself: two servers would then share a
  // port without knowing.
  constexpr bool kReuseAddress = true;
  constexpr bool kReusePort = false;
  if (!host.empty()) {
    const SocketAddress to(host, port);
    if (to.family() == SocketAddress::IPv6)
      socket.bind6(to, kReuseAddress, kReusePort, true);
    else
      socket.bind(to, kReuseAddress, kReusePort);
    return;
  }
  // All addresses of both families, or of the old one where the machine has no other.
  try {
    socket.bind6(SocketAddress("::", port), kReuseAddress, kReusePort, false);
  } catch (const Poco::Exception& e) {
    if (e.code() == EADDRINUSE || e.code() == EACCES) throw;
    socket.bind(SocketAddress("0.0.0.0", port), kReuseAddress, kReusePort);
  }
}

}  // namespace

Result<Context::Ptr> MakeTlsContext(const TlsServerOptions& options) {
  try {
    Context::Params params;
    params.verificationMode = Context::VERIFY_NONE;  // Configure() sets what OpenSSL is to verify
    Context::Ptr context = new Context(Context::TLS_SERVER_USE, params);
    CANOPY_RETURN_IF_ERROR(Configure(context->sslContext(), options));
    return context;
  } catch (const Poco::Exception& e) {
    return Status::Invalid("tls: " + e.displayText());
  }
}

Result<ServerSocket> Listen(const std::string& address, Context::Ptr tls, int stop) {
  std::string host;
  uint16_t port = 0;
  CANOPY_RETURN_IF_ERROR(SplitAddress(address, host, port));
  try {
    ServerSocket socket = NewSocket(tls, stop);
    Bind(socket, host, port);
    socket.listen(kBacklog);
    return socket;
  } catch (const Poco::Net::DNSException&) {
    return Status::Invalid("listen tcp: lookup " + host + ": no such host");
  } catch (const Poco::Exception& e) {
    if (e.code() != 0) return SystemError(address, e.code());
    return Status::Io("listen tcp " + address + ": " + e.displayText());
  }
}

}  // namespace canopy::net
