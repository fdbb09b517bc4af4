/* How a received message is told. It comes through a buffer of 1024 bytes: the first piece shares
 * it with the packet's head, and each piece is told as if it were a message. */
#include <stdio.h>
#include <string.h>

#include "tests/board/firmware/firmware.h"

enum { RECEIVE_BUFFER = 1024, PACKET_HEAD = 5, PACKET_ID = 2 };

/* One write, so that nothing gets between its parts. */
static void print_piece(struct firmware *fw, const struct mail *mail, size_t from, size_t n)
{
    static const char line_end[2] = {'\r', '\n'};
    char head[MQTT_TOPIC_MAX + 64];
    int head_n = snprintf(head, sizeof head, "+MQTTSUBRECV:0,\"%.*s\",%zu,", MQTT_TOPIC_MAX - 1,
                          mail->topic, n);
    uint8_t line[sizeof head + RECEIVE_BUFFER + sizeof line_end];
    memcpy(line, head, (size_t)head_n);
    if (n) memcpy(line + head_n, mail->data + from, n);
    memcpy(line + (size_t)head_n + n, line_end, sizeof line_end);
    at_send(fw, line, (size_t)head_n + n + sizeof line_end);
}

void mqtt_print_message(struct firmware *fw, const struct mail *mail)
{
    size_t head = PACKET_HEAD + strlen(mail->topic) + (mail->qos ? PACKET_ID : 0);
    size_t room = head < RECEIVE_BUFFER ? RECEIVE_BUFFER - head : 0;
    size_t from = 0;
    do {
        size_t n = mail->n - from < room ? mail->n - from : room;
        print_piece(fw, mail, from, n);
        from += n;
        room = RECEIVE_BUFFER;
    } while (from < mail->n);
}
