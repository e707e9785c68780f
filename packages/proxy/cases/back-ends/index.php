<?php
$path = explode("?", $_SERVER["REQUEST_URI"])[0];
header("Content-Type: text/html; charset=utf-8");
switch ($path) {
    case "/":
        echo "<h1>page of php</h1>";
        break;
    case "/form":
        echo $_POST["name"] . " and " . $_POST["text"];
        break;
    case "/upload":
        echo $_FILES["file"]["name"] . ": " . $_FILES["file"]["size"] . " bytes";
        break;
    case "/cookies":
        setcookie("one", "1");
        setcookie("two", "2");
        echo "had " . ($_COOKIE["one"] ?? "none");
        break;
    case "/redirect":
        header("Location: /elsewhere?a=b", true, 303);
        break;
    case "/stream":
        for ($number = 0; $number < 20000; $number++) echo "line $number of a long stream\n";
        break;
    case "/error":
        throw new RuntimeException("on purpose");
    case "/client":
        echo $_SERVER["REMOTE_ADDR"] . " " . $_SERVER["REQUEST_SCHEME"] . " " . $_SERVER["HTTP_HOST"];
        break;
    case "/hop":
        header("Proxy-Authenticate: Basic");
        header("X-Kept: yes");
        echo "hop";
        break;
    case "/die":
        posix_kill(getmypid(), 9);
        break;
    case "/die-later":
        header("Content-Length: 1000000");
        for ($number = 0; $number < 20000; $number++) echo "begun\n";
        flush();
        posix_kill(getmypid(), 9);
        break;
    case "/hang":
        file_put_contents("php://stderr", "it hangs now\n");
        sleep(600);
        break;
    default:
        http_response_code(404);
        echo "nothing here";
}
