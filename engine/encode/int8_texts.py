"""Our own sentences of many kinds and languages, by which int8 is scaled (`SCALE`) and then judged (`JUDGE`)."""

# ruff: noqa: E501 (texts are not cut)

from __future__ import annotations

_SHORT = (
    "refund",
    "How do I change the address on an order that was already sent?",
    "What does error E-1047 mean?",
    "opening hours on public holidays",
    "def area(width: float, height: float) -> float: return width * height",
    "SELECT name, COUNT(*) FROM visits WHERE day >= '2024-01-01' GROUP BY name HAVING COUNT(*) > 3;",
    "for (int i = 0; i < n; ++i) { total += price[i] * amount[i]; }  // all rows",
    "https://example.org/manual/v2.1/index.html?lang=en#install",
    "Tel. +49 30 1234567, Mo-Fr 9:00-17:30",
    "M8 x 40, stainless, A2-70, DIN 933, 100 pcs.",
    "12.5 %; 3,400.00 EUR; -40 °C to +85 °C; 1/3; 10^-6; 0x7FFF",
    "TODO: (1) check the valve; (2) close the lid; (3) call Anna!",
    "Nicht öffnen, solange die Maschine unter Spannung steht.",
    "Wie kündige ich meinen Vertrag zum Monatsende?",
    "Où puis-je trouver la facture du mois dernier ?",
    "La batterie doit être remplacée tous les trois ans.",
    "¿Cuánto tiempo tarda en llegar el paquete a casa?",
    "Il motore si ferma quando la temperatura supera novanta gradi.",
    "O cliente pode devolver o produto dentro de trinta dias.",
    "De vergunning is alleen geldig met een handtekening.",
    "Proszę wyłączyć zasilanie przed czyszczeniem filtra.",
    "Как восстановить пароль, если нет доступа к почте?",
    "Cihazı kapatmadan önce dosyalarınızı kaydedin.",
    "كيف يمكنني إلغاء الاشتراك قبل نهاية الشهر؟",
    "मशीन चालू करने से पहले निर्देश पढ़ें।",
    "请在安装之前关闭电源，并检查所有接线。",
    "发票丢失了怎么办？",
    "電源を切ってから、カバーを外してください。",
    "비밀번호를 잊어버렸을 때는 어떻게 하나요?",
    "Vui lòng kiểm tra lại địa chỉ giao hàng.",
    "Find the shortest way between two nodes of a graph.",
    "Symptoms of low blood sugar in the elderly",
    "the tenant's right to withhold rent",
    "??? ... !!! --- *** ### $$$ %%% &&& @@@",
    "a",
    "Yes. No. Perhaps. Later. Never.",
    "MKTAYIAKQRQISFVKSHFSRQLEERLGLIEVQAPILSRVGDGTQDNLSGAEK",
    "R1 10k 1% 0603; C4 100nF X7R; U2 LM358; net VCC to pin 8",
)

_LONG = (
    "The pump draws water from the lower tank and lifts it into the boiler. When the level in the tank falls under the "
    "mark, a float closes the switch, the red lamp on the panel lights up, and the pump stops after five seconds. Fill "
    "the tank by hand, press the green button twice, and wait until the lamp goes out. If it does not, the float is "
    "stuck: take off the cover (four screws), clean the rod with a dry cloth, and try again.",
    "Returns the index of the first element that is not smaller than the value. The sequence must be sorted in "
    "ascending order; where it is not, the result means nothing. Parameters: values, a sequence of numbers; value, the "
    "number to look for; lo, hi, the part of the sequence to look at, all of it by default. Raises ValueError if lo is "
    "negative. Example: >>> first_not_smaller([1, 3, 3, 7], 3) gives 1. See also: last_not_greater, insert_sorted.",
    "Section 14. Termination. (a) Either party may end this agreement with a notice of sixty (60) days in writing. (b) "
    "Where a party breaks a duty under sections 3 to 7 and does not make it good within ten (10) days of being asked to, "
    "the other may end the agreement at once. (c) Sums that were due before the end stay due; section 9 (secrecy) and "
    "section 12 (liability) go on for two years.",
    "A woman of 54 came with pain in the left shoulder that had begun three weeks before, worse at night, not related to "
    "meals. Blood pressure 142/88 mmHg, pulse 76, temperature 36.8 °C. She took 20 mg of a statin and 500 mg of "
    "metformin twice a day. The film showed no fracture; an ultrasound found a small tear of the tendon. She was given "
    "exercises and seen again after six weeks, when she could lift the arm above the head without pain.",
    "Vor dem ersten Gebrauch alle Teile auspacken und auf Schäden prüfen. Das Gerät auf eine ebene, trockene Fläche "
    "stellen, mindestens zehn Zentimeter von der Wand entfernt. Den Stecker erst einstecken, wenn der Behälter bis zur "
    "Markierung gefüllt ist. Nach etwa drei Minuten erlischt die Anzeige; dann kann das Programm mit dem Drehknopf "
    "gewählt werden. Bei längerer Abwesenheit das Wasser ablassen und den Filter reinigen.",
    "La société rembourse les frais de voyage sur présentation des billets, dans la limite de cent vingt euros par jour. "
    "Les demandes arrivées après le quinze du mois sont payées le mois suivant. Pour un séjour de plus de trois nuits, "
    "l'accord du chef de service est nécessaire ; il doit être demandé au moins une semaine avant le départ.",
    "El curso empieza el lunes a las nueve. Cada alumno recibe un libro, un cuaderno y una clave para entrar en la "
    "página de los ejercicios. Las faltas se avisan por correo; quien falta más de cuatro días no puede presentarse al "
    "examen, salvo que traiga un justificante del médico. Las notas se publican dos semanas después.",
    "Перед началом работы убедитесь, что кран закрыт, а давление не превышает двух бар. Откройте кран медленно, на "
    "четверть оборота, и следите за стрелкой. Если стрелка дрожит, в системе остался воздух: закройте кран, подождите "
    "минуту и повторите. После работы запишите показания в журнал.",
    "本公司员工每年享有十天带薪年假，入职满五年的员工享有十五天。申请年假应至少提前两周提交，由部门主管批准。当年未休完的假期可以"
    "顺延至次年三月底，逾期作废。因工作需要不能休假的，按日工资的百分之三百支付补偿。病假需提供医院证明，每年累计不超过三十天。",
    "この装置は三つの部分からできています。上の部分は水を入れる容器、真ん中は熱を伝える板、下は電気の部品です。水が少なくなると"
    "赤い光がつき、五秒後に止まります。水を足してから、緑のボタンを二回押してください。",
    "Day | Sold | Returned | Left\nMon | 120 | 4 | 880\nTue | 95 | 1 | 786\nWed | 143 | 9 | 652\nThu | 88 | 0 | 564\n"
    "Fri | 201 | 12 | 375\nSat | 310 | 20 | 85\nTotal | 957 | 46 | 85\n\nNote: on Saturday the second till was closed "
    "from 11:40 to 13:05, so that some sales were written down by hand and entered on Monday (see page 7).",
    "2024-03-07 14:02:11 INFO start pid=4711 user=anna mode=fast\n2024-03-07 14:02:12 WARN cache is cold, 0 of 512 "
    "found\n2024-03-07 14:02:19 ERROR read /var/tmp/a.bin: unexpected end after 8192 bytes\n2024-03-07 14:02:19 INFO "
    "try 2 of 3 in 500 ms\n2024-03-07 14:02:20 INFO done in 9.3 s, 1 error, 1 warning",
    "Dear Mr. Okafor, thank you for your letter of the 3rd. We are sorry that the lamp came broken. A new one leaves our "
    "house today; you need not send the old one back. As a small amends we have put two spare bulbs in the box. Please "
    "write to us again if anything else is missing. With kind regards, Lena Brandt, customer service",
    "She put the letter on the table and did not open it. Outside, the rain had stopped, and somebody was laughing in "
    "the street. 'You could simply read it,' said her brother. 'I could,' she said, 'and then I would know.' He shrugged, "
    "took an apple from the bowl, and went back to the garden, where the old dog was asleep under the pear tree.",
    "Photosynthesis turns light into sugar. In the first step, water is split in the leaf; oxygen leaves the plant, and "
    "the energy is stored for a short time. In the second step, carbon dioxide from the air is bound, and sugar is made "
    "of it, which needs no light. The rate depends on light, warmth, water and the share of carbon dioxide in the air: "
    "whichever is scarcest sets the pace.",
)

SCALE = (*_SHORT, *_LONG, "\n".join(_LONG[:4]), " ".join(_LONG[4:8]), " ".join(_LONG[12:]), " ".join(_SHORT))

JUDGE = (
    "lost card",
    "Can I pay by bank transfer?",
    "bolt 12 mm zinc plated",
    "git commit --amend -m 'message'",
    "class Node: def __init__(self, value, left=None, right=None): self.value = value",
    "Wo finde ich die Seriennummer meines Geräts?",
    "Le train de nuit part à vingt-deux heures trente.",
    "La garantía no cubre los daños causados por el agua.",
    "Где хранить инструмент зимой?",
    "如何申请退款？",
    "会議は午後三時に始まります。",
    "side effects of iron tablets during pregnancy",
    "The seller must hand over the goods free of faults; a fault that shows within six months is taken to have been there.",
    "Write the rows to a file. If the file exists it is replaced, unless append is true. The encoding is UTF-8; lines end "
    "with a line feed on every system. Returns the number of bytes written. Raises OSError where the disk is full, and "
    "TypeError if a row holds something that is neither text nor a number.",
    "The bridge was begun in 1871 and opened eight years later. Its two towers stand on rock thirty metres under the "
    "river; the roadway hangs on 136 steel cables, each as thick as a man's arm. In the storm of 1912 one of them tore, "
    "and for a month carts were let over one at a time. It was painted green until the war, and has been red since.",
    "Das Amt prüft den Antrag innerhalb von vier Wochen. Fehlen Unterlagen, so wird eine Frist gesetzt; nach ihrem Ablauf "
    "wird nach Lage der Akten entschieden. Gegen den Bescheid kann binnen eines Monats Widerspruch erhoben werden.",
)
