#!/bin/sh
# Stands for the start script of Identity Server in an image: what runs is server.mjs.
exec node "$WSO2_SERVER_HOME/bin/server.mjs"
