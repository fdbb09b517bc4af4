/* What the tests of both ways to write through AT have in common. */
#ifndef TESTS_UNIT_AT_BOARD_WRITE_H
#define TESTS_UNIT_AT_BOARD_WRITE_H

#include "tests/unit/at/board.h"

/* Nothing here is judged by its speed. */
static struct deadline soon(void)
{
    return deadline_in_ms(60000);
}

/* Somebody pulls the plug of the host after the prompt, and puts it in again.
 * @param line  with CR LF @param n  bytes that the board got */
static void board_cut_write(struct board *b, const char *line, const void *data, size_t n)
{
    uint8_t c = 0;
    size_t got = 0;
    assert_int_equal(port_write(b->port, line, strlen(line), soon()), ERR_OK);
    while (c != '>')
        assert_int_equal(port_read(b->port, &c, 1, soon(), &got), ERR_OK);
    assert_int_equal(port_write(b->port, data, n, soon()), ERR_OK);
    board_disconnect(b);
    board_connect(b);
    board_is(at_client_start(b->client, soon()), ERR_OK, "");
}

static void assert_no_key_was_seen(const struct board *b)
{
    assert_non_null(memmem(b->seen.data, b->seen.len, "Bin version", 11));
    assert_null(memmem(b->seen.data, b->seen.len, "PRIVATE KEY", 11));
    assert_null(memmem(b->seen.data, b->seen.len, "MIIEow", 6));
}
#endif
