/* Predicts the samples of samples.h; says each output's and each result's bits, eight hexadecimal digits a line. */
#include <stdint.h>

#include "net.h"
#include "samples.h"
#include "start.h"

static void say_bits(uint32_t bits) {
  char text[10] = "00000000\n";
  for (int i = 7; i >= 0; i--, bits >>= 4) text[i] = "0123456789abcdef"[bits & 15];
  say(text);
}

int main(void) {
  static float y[NET_OUTPUTS];
  for (unsigned i = 0; i < sizeof samples / sizeof samples[0]; i++) {
    int result = net_predict(samples[i], y);
    for (int j = 0; j < NET_OUTPUTS; j++) {
      union {
        float number;
        uint32_t bits;
      } u = {y[j]};
      say_bits(u.bits);
    }
    say_bits((uint32_t)result);
  }
  return 0;
}
