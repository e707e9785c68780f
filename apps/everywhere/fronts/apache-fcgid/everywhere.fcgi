#!/bin/sh
exec @NODE@ @ROOT@/node_modules/.bin/gateway --workers 0 --protocol fastcgi --bind fd://0 @ROOT@/dist/app.js
