/* mqtt_words: how an MQTT session ended after TLS, as an error with its hint. For mqtt_session.c
 * alone. */
#ifndef SERVICE_CLOUD_MQTT_WORDS_H
#define SERVICE_CLOUD_MQTT_WORDS_H

#include "service/base/err.h"
#include "service/cloud/mqtt_check.h"

/** The broker closed the connection at @p stage without a word. */
enum err mqtt_words_drop(const struct mqtt_check_args *args, enum mqtt_stage stage);
/** CONNACK with another number than 0. */
enum err mqtt_words_connack(int number);
/** What answered is no MQTT broker. */
enum err mqtt_words_alien(void);
/** Nothing came in time at @p stage. */
enum err mqtt_words_timeout(const struct mqtt_check_args *args, enum mqtt_stage stage);
#endif
