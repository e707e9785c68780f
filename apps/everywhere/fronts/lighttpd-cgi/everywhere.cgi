#!/bin/sh
exec @NODE@ @ROOT@/dist/cgi.js
