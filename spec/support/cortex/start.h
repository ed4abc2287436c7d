#ifndef START_H
#define START_H

int main(void);

/* Writes a text to QEMU's output. */
void say(const char *text);

#endif
