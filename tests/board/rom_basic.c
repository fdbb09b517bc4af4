/* rom_basic: the interpreter that the ROM falls back to when the flash holds no program. Only its
 * line editor is here: a host that lands on it sees its own frame come back, and "How?". */
#include <stdio.h>
#include <string.h>

#include "tests/board/rom_core.h"
#include "tests/board/uart.h"

enum { NUL = 0, BACKSPACE = 8 };

static void say(struct rom *r, const char *text)
{
    uart_send(r->env.uart, text, strlen(text));
}

void rom_basic_start(struct rom *r)
{
    r->mode = MODE_BASIC;
    r->basic_line = 0;
    say(r, "flash read err, 631\r\nFalling back to built-in command interpreter.\r\nOK\r\n>");
}

void rom_basic_byte(struct rom *r, uint8_t byte)
{
    switch (byte) {
    case NUL:
        break;
    case '\r':
    case '\n':
        say(r, r->basic_line ? "\r\nHow?\r\n>" : "\r\n>");
        r->basic_line = 0;
        break;
    case BACKSPACE:
        if (r->basic_line) {
            say(r, "\b \b");
            r->basic_line--;
        }
        break;
    default:
        uart_send(r->env.uart, &byte, 1);
        if (r->basic_line < UINT8_MAX) r->basic_line++;
    }
}
