"""The style of a page that shows a document: readable on a phone, at night and on paper; not for its words.

The colours hold a contrast of 4.5 to 1 or more on their ground, and say nothing that words do not say.

Source: users.md 7.3; reliability.md C11 (no address in it).
"""

from typing import Final

STYLE: Final = """
:root{color-scheme:light dark;--ink:#1b1b1f;--soft:#55555f;--line:#c9c9d4;--ground:#fff;--box:#f4f5fa;--link:#0b4aa2;
--alert:#a3000f;--alert-ground:#fdecec}
@media (prefers-color-scheme:dark){:root{--ink:#ececf1;--soft:#b4b4c0;--line:#4a4a57;--ground:#17171c;--box:#22222a;
--link:#9cc2ff;--alert:#ffb3b3;--alert-ground:#40191c}}
*{box-sizing:border-box}
body{margin:0 auto;padding:1rem;max-width:75rem;background:var(--ground);color:var(--ink);
font:1rem/1.5 system-ui,"Segoe UI",Roboto,"Liberation Sans",sans-serif;overflow-wrap:break-word}
h1{font-size:1.5rem;line-height:1.25;margin:.2rem 0 1rem}
h2{font-size:1.25rem;margin:1.8rem 0 .6rem;padding-bottom:.2rem;border-bottom:1px solid var(--line)}
h3{font-size:1.08rem;margin:1.3rem 0 .5rem}
h4{font-size:1rem;margin:1rem 0 .4rem;color:var(--soft)}
p{margin:.4rem 0}
a{color:var(--link)}
.patient{background:var(--box);border:1px solid var(--line);border-radius:.5rem;padding:.7rem 1rem;margin-bottom:.8rem}
.patient strong{font-size:1.15rem}
dl{display:grid;grid-template-columns:minmax(8rem,13rem) 1fr;gap:.15rem 1rem;margin:.5rem 0}
dt{color:var(--soft)}
dd{margin:0}
.alerts{background:var(--alert-ground);border:1px solid var(--alert);border-left-width:.4rem;border-radius:.5rem;
padding:.5rem 1rem;margin:1rem 0}
.alerts h2{border:0;margin:.2rem 0;color:var(--alert)}
.alerts ul{margin:.3rem 0;padding-left:1.2rem}
.mark{color:var(--alert)}
.notice{background:var(--box);border-left:.4rem solid var(--link);padding:.5rem 1rem;margin:1rem 0}
.table{overflow-x:auto;max-width:100%;margin:.6rem 0}
.table:focus-visible{outline:2px solid var(--link)}
table{border-collapse:collapse;min-width:50%}
td,th{border:1px solid var(--line);padding:.3rem .6rem;text-align:left;vertical-align:top;min-width:4rem}
th{background:var(--box)}
caption{text-align:left;font-weight:600;padding:.3rem 0}
img{max-width:100%;height:auto;background:#fff}
pre{white-space:pre-wrap;font:inherit}
.file{display:block;color:var(--soft);font-style:italic}
.notes{font-size:.9rem}
@media (max-width:34rem){body{padding:.7rem}dl{grid-template-columns:8rem 1fr;column-gap:.6rem}
td,th{padding:.25rem .4rem}}
@media print{:root{color-scheme:light;--ink:#000;--soft:#333;--line:#888;--ground:#fff;--box:#fff;--link:#000;
--alert:#000;--alert-ground:#fff}
body{max-width:none;padding:0;font-size:10pt}
.table{overflow:visible}h2,h3,h4{break-after:avoid}tr,img,.patient,.alerts{break-inside:avoid}thead{display:table-header-group}}
"""
