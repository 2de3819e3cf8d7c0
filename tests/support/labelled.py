"""A few messages of both kinds, in several scripts."""

SPAM = [
    "WIN a free prize now",
    "Claim your FREE cash, reply YES",
    "무료 쿠폰 당첨! 지금 클릭",
    "免费领取大奖，点击链接",
]
HAM = ["home by six", "see you at lunch, then", "내일 회의는 세 시예요", "我们明天见面吧", "ok", ""]
