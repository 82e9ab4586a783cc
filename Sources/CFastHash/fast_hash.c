// OpenSSL's low-level SHA-1 picks SHA-NI, AVX2 or SSSE3 code for the processor at run time. The EVP interface costs about
// as much per call as hashing a small commit, so the older functions are used; they are deprecated, not removed.
#define OPENSSL_SUPPRESS_DEPRECATED
#define _GNU_SOURCE
#include "fast_hash.h"

#include <fcntl.h>
#include <openssl/sha.h>
#include <stdlib.h>

void fast_hash_object(const void *header, size_t header_count, const void *content, size_t content_count,
                      uint8_t digest[20]) {
  SHA_CTX context;
  SHA1_Init(&context);
  SHA1_Update(&context, header, header_count);
  SHA1_Update(&context, content, content_count);
  SHA1_Final(digest, &context);
}

struct fast_hash_stream {
  SHA_CTX context;
};

fast_hash_stream *fast_hash_stream_new(void) {
  fast_hash_stream *stream = malloc(sizeof *stream);
  if (stream) SHA1_Init(&stream->context);
  return stream;
}

void fast_hash_stream_update(fast_hash_stream *stream, const void *bytes, size_t count) {
  SHA1_Update(&stream->context, bytes, count);
}

void fast_hash_stream_finish(fast_hash_stream *stream, uint8_t digest[20]) {
  SHA1_Final(digest, &stream->context);
}

void fast_hash_stream_free(fast_hash_stream *stream) { free(stream); }

void fast_hash_start_writeback(int descriptor, int64_t offset, int64_t count) {
#ifdef __linux__
  sync_file_range(descriptor, offset, count, SYNC_FILE_RANGE_WRITE);
#else
  (void)descriptor, (void)offset, (void)count;
#endif
}
