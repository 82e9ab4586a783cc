#include "CMarks.h"

#include <string.h>

#if defined(__x86_64__)
#include <immintrin.h>
#endif

enum { width = 64 };

typedef struct {
  uint64_t marks, zeros;
} found;

#if defined(__x86_64__)
#define EITHER(compare, or, set, bytes) \
  or(or(compare(bytes, set('\\')), compare(bytes, set('%'))), compare(bytes, set('&')))

__attribute__((target("avx2"))) static inline found look_avx2(const uint8_t *text) {
  found result = {0, 0};
  for (int part = 0; part < 2; part++) {
    __m256i bytes = _mm256_loadu_si256((const __m256i *)(text + 32 * part));
    __m256i marks = EITHER(_mm256_cmpeq_epi8, _mm256_or_si256, _mm256_set1_epi8, bytes);
    __m256i zeros = _mm256_cmpeq_epi8(bytes, _mm256_setzero_si256());
    result.marks |= (uint64_t)(uint32_t)_mm256_movemask_epi8(marks) << 32 * part;
    result.zeros |= (uint64_t)(uint32_t)_mm256_movemask_epi8(zeros) << 32 * part;
  }
  return result;
}

__attribute__((target("avx2"))) static size_t skip_avx2(const uint8_t *text, size_t count, size_t position) {
  for (; position + width <= count; position += width) {
    __m256i low = _mm256_loadu_si256((const __m256i *)(text + position));
    __m256i high = _mm256_loadu_si256((const __m256i *)(text + position + 32));
    __m256i any = _mm256_or_si256(EITHER(_mm256_cmpeq_epi8, _mm256_or_si256, _mm256_set1_epi8, low),
                                  EITHER(_mm256_cmpeq_epi8, _mm256_or_si256, _mm256_set1_epi8, high));
    // The lesser of two bytes is zero when one of them is.
    any = _mm256_or_si256(any, _mm256_cmpeq_epi8(_mm256_min_epu8(low, high), _mm256_setzero_si256()));
    if (!_mm256_testz_si256(any, any)) break;
  }
  return position;
}

static inline found look(const uint8_t *text) {
  found result = {0, 0};
  for (int part = 0; part < 4; part++) {
    __m128i bytes = _mm_loadu_si128((const __m128i *)(text + 16 * part));
    __m128i marks = EITHER(_mm_cmpeq_epi8, _mm_or_si128, _mm_set1_epi8, bytes);
    __m128i zeros = _mm_cmpeq_epi8(bytes, _mm_setzero_si128());
    result.marks |= (uint64_t)(uint32_t)_mm_movemask_epi8(marks) << 16 * part;
    result.zeros |= (uint64_t)(uint32_t)_mm_movemask_epi8(zeros) << 16 * part;
  }
  return result;
}
#else
static inline found look(const uint8_t *text) {
  found result = {0, 0};
  for (int place = 0; place < width; place++) {
    uint8_t byte = text[place];
    result.marks |= (uint64_t)(byte == '\\' || byte == '%' || byte == '&') << place;
    result.zeros |= (uint64_t)(byte == 0) << place;
  }
  return result;
}
#endif

static inline uint64_t all(found block) {
  uint64_t zeros = block.zeros;
  if (zeros) {
    // What stands behind the block is not known: there every zero counts.
    zeros &= ~(zeros >> 1) & (zeros >> 2 | 3ULL << 62) & (zeros >> 4 | 15ULL << 60);
  }
  return block.marks | zeros;
}

#if defined(__x86_64__)
__attribute__((target("avx2"))) static uint64_t next_avx2(const uint8_t *text, size_t count, size_t *position) {
  size_t place = *position;
  uint64_t result = 0;
  while (!result) {
    place = skip_avx2(text, count, place);
    if (place + width > count) break;
    result = all(look_avx2(text + place));
    if (!result) place += width;
  }
  *position = place;
  return result;
}
#endif

uint64_t marks_next(const uint8_t *text, size_t count, size_t *position) {
  uint64_t result = 0;
  size_t place = *position;
#if defined(__x86_64__)
  if (__builtin_cpu_supports("avx2")) {
    result = next_avx2(text, count, &place);
  } else
#endif
    for (; place + width <= count; place += width) {
      result = all(look(text + place));
      if (result) break;
    }
  if (!result && place < count) {
    // Letters stand for what is not there.
    uint8_t rest[width];
    memset(rest, 'a', width);
    memcpy(rest, text + place, count - place);
    result = all(look(rest));
  }
  *position = place;
  return result;
}
